/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Bytes of all interfaces but the loopback, since each interface exists. */
typedef struct NetUsage {
        uint64_t received;
        uint64_t sent;
} NetUsage;

/**
 * net_usage_read() - read the traffic of a process's own network namespace
 *
 * Return: 0; -ENODATA when the process shares our network namespace, where its traffic cannot be told from
 * that of others; -ESRCH when there is no such process, or another negative errno.
 */
int net_usage_read(pid_t pid, NetUsage *ret);

/* Sums up the text of a file /proc/PID/net/dev (proc(5)); ignores invalid lines. */
void net_usage_parse(const char *text, NetUsage *ret);
