/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/job.h"
#include "engine/engine.h"

/* Return: what beside the task and its root makes its unit, without descriptors; strings are borrowed.
 * @directory: of the task */
UnitHost launch_host(const Engine *engine, const char *directory);

/* Return: the descriptors of a unit, none of them owned. @message: socket with a message of others, or -1 */
UnitDescriptors launch_descriptors(const Engine *engine, const Isolation *isolation,
        const TaskRequest *request, int output, int message);

/**
 * launch_unit() - ask systemd for the unit of a task
 * @streams: borrowed until the call returns
 * @done:    as of job_new()
 *
 * Writes the task's record and what the unit needs into the task's directory first.
 *
 * Return: 0; -EEXIST without @ret_error when the directory of another unit with this name exists, and then
 * nothing was changed; or another negative errno with @ret_error set, and then only the record is left.
 */
int launch_unit(Task *task, const TaskRequest *request, const Root *root, const TaskStreams *streams,
        JobDone done, void *userdata, Job **ret_job, Error **ret_error);

/* Removes what launch_unit() made, where systemd has no unit from it. A unit of the name that somebody else
 * made may be there, and a container of it. */
void launch_undo(const Task *task);

/*
 * Releases what the task holds and removes its unit's files below /run. The unit must be dead, or never have
 * been started.
 */
void task_remove_unit_directory(const Task *task);
