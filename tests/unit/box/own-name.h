/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include "engine/record.h"

/*
 * Return: a number that no other test has or had. A pid does not do: it is given again, and a test that
 * failed may have left something below /run that bears it.
 */
unsigned own_number(void);

/* Return: the name of a container of this test's own. */
char *own_name_new(void);

/* Removes what the host has of the container: a fake systemd does not. Return: always NULL. */
char *own_name_free(char *name);
DEFINE_CLEANUP(char *, own_name_free)
#define _cleanup_own_name_ _cleanup_(own_name_freep)

/* Makes what task_dir_create() makes, without the part that goes with the unit. */
void own_directory_make(const char *root, const char *machine);

/* Leaves the record of a task as an earlier engine does that started it. */
void own_record_leave(const char *root, const TaskRecord *record);

/* Leaves notes of a run as our init and nspawn-units-helper make them. */
void own_notes_leave(const char *root, const char *machine, const char *text);
