/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "task/spec.h"

/*
 * What must be kept to find a task again after a restart of ours. It holds no secret. Nomad keeps it as the
 * driver's state of a task, and it is a file in the task's directory (record-file.h).
 */
typedef struct TaskRecord {
        char *id;   /* what its owner calls it; NULL in the first records of version 1 */
        char *unit; /* its name is computed from the machine's: no text says it */
        char *machine;
        char *owner; /* who looks after it (engine/owner.h); NULL when nobody is named */
        TaskLaunch launch;
        uint64_t started_usec; /* realtime; 0 before it runs */
} TaskRecord;

void task_record_clear(TaskRecord *record);
#define _cleanup_task_record_ _cleanup_(task_record_clear)

void task_record_copy(TaskRecord *ret, const TaskRecord *record);

/* Return: the record as JSON, owned by the caller. */
char *task_record_write(const TaskRecord *record);

/**
 * task_record_read() - the opposite
 *
 * Records of version 1 name the unit; one that is not the machine's is refused.
 *
 * Return: 0, -EPROTONOSUPPORT for a record of a newer version or of an isolation that is not known, or
 * another negative errno; @ret_error is set.
 */
int task_record_read(const char *text, size_t n, TaskRecord *ret, Error **ret_error);
