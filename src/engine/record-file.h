/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "engine/record.h"
#include "engine/run-end.h"

/*
 * Two files in the directory of a task (base/task-dir.h) that outlive its unit: the record, which says who
 * the task is, and the notes, which say how its last run ended. From them the engine learns how a task ended
 * while no engine watched it, and which task an existing unit belongs to. Both files are gone when the task
 * is forgotten, and when the host boots again.
 *
 * Only the engine writes the record, and no other process gets a descriptor of it. A record that names
 * another machine than its directory is invalid.
 *
 * A task of version 0.1.0 has both in one file, which its container can write to. The engine reads such a
 * file only where there is no record, and a search for a task reads it only after all records. So the file
 * cannot claim the id of a task that has a record.
 *
 * @root is the runtime directory (unit/task-dir.h).
 */

/**
 * record_file_create() - write the record of a task that is about to start
 *
 * The task's directory must exist. An existing record and its notes are replaced: the name is free, so the
 * unit that they describe is gone.
 *
 * Return: 0 or a negative errno.
 */
int record_file_create(const char *root, const TaskRecord *record);

/* Return: whether this container has a record and it is the record of the task @id; @ret_end may be NULL. */
bool record_file_is_of(const char *root, const char *machine, const char *id, RunEnd *ret_end);

/* The same, with the notes of two runs; notes of version 0.1.0 describe the last run only. */
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
 * @id: the task's id, which its owner chose
 *
 * Return: 0; -ENOENT when no record is this task's; or another negative errno when a record could not be
 * read.
 */
int record_file_find(const char *root, const char *id, TaskRecord *ret);

/* Return: whether the search is for this record. */
typedef bool (*RecordMatch)(void *userdata, const TaskRecord *record);

/* As record_file_find(), for the first task that @match accepts. @match gets only records with an id. */
int record_file_search(const char *root, RecordMatch match, void *userdata, TaskRecord *ret);
