/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* The terminal on which the user started this program. */

/**
 * terminal_make_raw() - have the terminal pass on whatever is typed, Ctrl-C too
 * @fd: the terminal; must stay open until terminal_restore()
 *
 * terminal_restore() restores the earlier settings, and so does a signal that ends the program, if it can be
 * caught. Only one terminal can be raw at a time.
 *
 * Return: 0 or a negative errno.
 */
int terminal_make_raw(int fd);

/* Restores the settings that terminal_make_raw() changed. Does nothing when the terminal is not raw. */
void terminal_restore(void);

/* Makes a raw terminal raw again, after the shell changed the settings while this program was stopped. */
void terminal_renew(void);

/**
 * terminal_size() - get the size of the terminal that is standard input, output or error
 *
 * Return: whether one of them is a terminal that has a size.
 */
bool terminal_size(uint16_t *ret_rows, uint16_t *ret_columns);
