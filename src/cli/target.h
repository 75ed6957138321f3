/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/record.h"

/* Finds the task that a user names. */

/* Return: the unit of the task whose name is @name, or whose machine or unit has that name; owned by the
 * caller. */
char *target_unit(const char *name);

/**
 * target_find() - find a task by one of its names
 * @name:      as target_unit() takes it, or the task's id, or a name that nomad_id_has_name() knows it by
 * @ret_known: whether the task has a record, and so ran at some time
 *
 * A name without a record is not an error: it may be the name of a task that runs without one. @ret is freed
 * by task_record_clear().
 *
 * Return: 0; -ENOTUNIQ with @ret_error set when an allocation has several tasks.
 */
int target_find(const char *name, TaskRecord *ret, bool *ret_known, Error **ret_error);
