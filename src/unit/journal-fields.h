/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * Fields on each journal entry of a unit, LogExtraFields=. systemd writes them into a transient unit's file
 * without quotes (252 to 262, core/dbus-execute.c), so that a value ends at its first space once the file is
 * read again. Fields with a space therefore come in a file of ours beside it, which systemd reads with the
 * unit: in a directory that is also one of the unit's RuntimeDirectory=, and so goes with it. Where systemd
 * does not remove it, it is released as one of the task's holds (base/hold.h).
 */

/* Return: whether systemd may be told of them over the bus. */
bool journal_fields_survive(char *const *fields);

/* Return: the directory of that file, owned by the caller. */
char *journal_fields_directory(const char *unit);

/* Return: what is in the file, owned by the caller. */
char *journal_fields_text(char *const *fields);

/* Writes the file, before the unit is started. Return: 0 or a negative errno. */
int journal_fields_write(const char *unit, char *const *fields);
