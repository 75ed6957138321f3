/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* The terminal that this program was started on. */

/**
 * terminal_make_raw() - pass on whatever is typed, Ctrl-C too
 * @fd: the terminal, open until terminal_restore()
 *
 * What it was like is restored by terminal_restore() and when a signal ends the program, as far as the
 * signal can be caught. Of one terminal at a time only.
 *
 * Return: 0 or a negative errno.
 */
int terminal_make_raw(int fd);

/* Makes it as it was; nothing without terminal_make_raw(). */
void terminal_restore(void);

/* Makes it raw once more: a shell changes the terminal of who was stopped. */
void terminal_renew(void);

/**
 * terminal_size() - size of the terminal that is our input, output or error
 *
 * Return: whether one of them is a terminal that has a size.
 */
bool terminal_size(uint16_t *ret_rows, uint16_t *ret_columns);
