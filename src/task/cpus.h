/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* No Linux kernel supports more processors (CONFIG_NR_CPUS). */
#define CPU_LIST_MAX 8192

typedef struct CpuList {
        uint8_t mask[CPU_LIST_MAX / 8]; /* processor n is bit n % 8 of byte n / 8 */
        size_t n_bytes;                 /* up to the last bit that is set */
} CpuList;

/**
 * cpu_list_parse() - read a list of processors such as 0-3,5
 *
 * Return: whether @text is such a list; @ret is set then.
 */
bool cpu_list_parse(const char *text, CpuList *ret);
