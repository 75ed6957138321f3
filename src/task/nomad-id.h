/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * The ids that Nomad gives to its tasks: ALLOCATION/TASK/HASH, where ALLOCATION is a UUID and TASK the name
 * from the job (Nomad, client/allocrunner/taskrunner/task_runner.go, buildTaskConfig()). Ids of tasks that
 * Nomad did not start have no slash. Only this module knows the form.
 */

/* The length of Nomad's short form of an allocation id (helper/uuid, command/helpers.go). */
#define NOMAD_ALLOCATION_LENGTH_MIN 8

/* Return: whether the id has Nomad's form. */
bool nomad_id_is_valid(const char *id);

/**
 * nomad_id_has_name() - find out whether a user means this task
 * @name: ALLOCATION or ALLOCATION/TASK, where ALLOCATION may be cut to NOMAD_ALLOCATION_LENGTH_MIN
 * characters or more
 *
 * Return: whether @id has Nomad's form and @name is a name of its task.
 */
bool nomad_id_has_name(const char *id, const char *name);

/* Return: the command that follows the output of the task, owned by the caller; NULL for an id of another
 * form. */
char *nomad_id_logs_command(const char *id);
