/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/record.h"

/* Which task is meant. */

/* Return: the unit of the task that is called @name, or whose machine or unit is; owned by the caller. */
char *target_unit(const char *name);

/**
 * target_find() - who a task is
 * @name:      as target_unit() takes it, or a task's id, or a Nomad allocation's, of which the beginning is
 *             enough as Nomad shows it; with /TASK behind it where it has several
 * @ret_known: whether there is a record, so that there was such a task at some time
 *
 * Return: 0; -ENOTUNIQ with @ret_error set when an allocation has several tasks.
 */
int target_find(const char *name, TaskRecord *ret, bool *ret_known, Error **ret_error);
