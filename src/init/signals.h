/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * Signals as a descriptor, for a supervisor that waits for other events, too. All signals must be blocked.
 */

/* Exits on failure. Return: the descriptor. */
int signals_open(void);

/*
 * Takes a pending signal.
 * @ret_from_outside: whether a process outside of the container sent it
 *
 * Return: its number; 0 when there is none for the payload.
 */
int signals_take(int fd, bool *ret_from_outside);
