/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * Fields on each journal entry of a unit, LogExtraFields=. systemd writes them into a transient unit's file
 * without quotes (252 to 262, core/dbus-execute.c), so that a value ends at its first space once the file is
 * read again. Fields with a space are therefore in a drop-in file of ours, which systemd reads with the
 * unit. The directory of that file is also one of the unit's RuntimeDirectory=, so systemd removes it with
 * the unit. Where systemd does not, it is released as one of the task's holds (base/hold.h).
 */

/* Return: whether all fields can be sent over the bus, because none has a space. */
bool journal_fields_survive(char *const *fields);

/* Return: the directory of that file, owned by the caller. */
char *journal_fields_directory(const char *unit);

/* Return: the content of the file, owned by the caller. */
char *journal_fields_text(char *const *fields);

/* Writes the file, before the unit is started. Return: 0 or a negative errno. */
int journal_fields_write(const char *unit, char *const *fields);
