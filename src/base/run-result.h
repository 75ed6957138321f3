/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * How the command of a run ended: our init writes it as one number into an eventfd(2). The container's root
 * can use all descriptors of our init, but an eventfd is no file, so it gives no access to the host: the
 * container can change these eight bytes, which say how its own run ended, and nothing else. The static
 * programs share this module, so it needs only libc.
 *
 * The kernel keeps the number for as long as systemd keeps the unit's descriptors. nspawn-units-helper reads
 * it at the end of each run, and sets it to 0 at the beginning of the next.
 */

/* Return: the number for the eventfd; @code must be 128 + @signal when a signal ended the command. */
static inline uint64_t run_result_number(int code, int signal) {
        return 1 + ((uint64_t) (unsigned) code << 8) + (uint64_t) (unsigned) signal;
}

/* Return: a new eventfd with the number 0, which means that no end is known; or a negative errno. */
int run_result_new(void);

/* Sets the number to 0. */
void run_result_reset(int fd);

/**
 * run_result_read() - read how the command ended, and leave the number as it is
 *
 * The container may have written any number, so the caller must not trust the result.
 *
 * Return: whether an end is known; then @ret_code is from 0 to 255 and @ret_signal from 0 to NSIG - 1.
 */
bool run_result_read(int fd, int *ret_code, int *ret_signal);
