/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "engine/record.h"
#include "engine/run-end.h"

/*
 * Two files in the directory of a task (base/task-dir.h) that outlive its unit: the record, which says who
 * the task is, and the notes, which say how its last run ended. So an end is known although nobody watched,
 * and a unit that is found later can be told to belong to a task. Both are gone with the task, or with the
 * host's next start.
 *
 * Only the engine writes the record, and its descriptor is never handed to anybody. A record whose machine
 * is not the one that its directory is named after is as good as none.
 *
 * A task of version 0.1.0 has both in one file, which its container can write to. Such a file is read where
 * there is no record, and after all records where a task is looked for: so it cannot claim the id of a task
 * that has one.
 *
 * @root is the runtime directory (unit/task-dir.h).
 */

/**
 * record_file_create() - write the record of a task that is about to start
 *
 * The task's directory must be there. A record and notes that are there already are replaced: the name can
 * be had, so the unit that they tell of is gone.
 *
 * Return: 0 or a negative errno.
 */
int record_file_create(const char *root, const TaskRecord *record);

/* Return: whether there is a record of this container and it is of the task @id; @ret_end may be NULL. */
bool record_file_is_of(const char *root, const char *machine, const char *id, RunEnd *ret_end);

/* The same, with the notes of two runs; those of version 0.1.0 tell of the last only. */
bool record_file_read_runs(const char *root, const char *machine, const char *id, RunEnds *ret);

/**
 * record_file_read() - read record and notes
 * @ret_record: who the task is; may be NULL
 * @ret_end:    how its last run ended; may be NULL
 *
 * Return: 0; -ENOENT when there is no record; or another negative errno.
 */
int record_file_read(const char *root, const char *machine, TaskRecord *ret_record, RunEnd *ret_end);

/**
 * record_file_find() - look through all records for a task
 * @id: what its owner calls it
 *
 * Return: 0; -ENOENT when no record is this task's; or another negative errno, when that cannot be told.
 */
int record_file_find(const char *root, const char *id, TaskRecord *ret);

/* Return: whether it is the one that is looked for. */
typedef bool (*RecordMatch)(void *userdata, const TaskRecord *record);

/* As record_file_find(), of the first task that @match takes; it is shown those with an id only. */
int record_file_search(const char *root, RecordMatch match, void *userdata, TaskRecord *ret);
