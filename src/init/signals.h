/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* Signals as a descriptor, for a supervisor that has more to wait for. All of them must be blocked. */

/* Does not come back on failure. Return: the descriptor. */
int signals_open(void);

/*
 * Takes a signal that is there.
 * @ret_from_outside: whether a process outside of the container sent it
 *
 * Return: its number; 0 when there is none for the payload.
 */
int signals_take(int fd, bool *ret_from_outside);
