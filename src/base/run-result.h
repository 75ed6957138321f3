/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * How the command of a run ended, as our init tells the host: one number in an eventfd(2). An eventfd is no
 * file, so the container's root, who can use all descriptors of our init, gets at nothing of the host with
 * it: it can change these eight bytes, which say how its own run ended, and nothing else. Needs libc alone:
 * the static programs share it.
 *
 * The number is kept in the kernel for as long as systemd has the unit's descriptors. nspawn-units-helper
 * reads it at the end of each run, and sets it to 0 at the beginning of the next.
 */

/* Return: the number for an end with this exit code, which is 128 + @signal when a signal ended it. */
static inline uint64_t run_result_number(int code, int signal) {
        return 1 + ((uint64_t) (unsigned) code << 8) + (uint64_t) (unsigned) signal;
}

/* Return: a new eventfd with the number 0, which means that no end was told; or a negative errno. */
int run_result_new(void);

/* Sets the number to 0. */
void run_result_reset(int fd);

/**
 * run_result_read() - read how the command ended, and leave the number as it is
 *
 * The container may have written any number.
 *
 * Return: whether an end was told; with a code from 0 to 255 and a signal from 0 to NSIG - 1.
 */
bool run_result_read(int fd, int *ret_code, int *ret_signal);
