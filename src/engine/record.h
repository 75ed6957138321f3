/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "task/spec.h"

/*
 * What a program must know to find a task again after the program was restarted. A record contains no
 * secrets. Nomad stores it as the driver's state of the task, and the engine stores it as a file in the
 * task's directory (record-file.h).
 */
typedef struct TaskRecord {
        char *id;   /* chosen by the owner; NULL in the first records of version 1 */
        char *unit; /* computed from @machine; not written to the JSON */
        char *machine;
        char *owner; /* id of the owner (engine/owner.h); NULL when there is none */
        TaskLaunch launch;
        uint64_t started_usec; /* realtime; 0 before it runs */
} TaskRecord;

void task_record_clear(TaskRecord *record);
#define _cleanup_task_record_ _cleanup_(task_record_clear)

void task_record_copy(TaskRecord *ret, const TaskRecord *record);

/* Return: the record as JSON, owned by the caller. */
char *task_record_write(const TaskRecord *record);

/**
 * task_record_read() - read a record from JSON
 *
 * Records of version 1 name the unit; a name that does not fit the machine is refused.
 *
 * Return: 0, -EPROTONOSUPPORT for a record of a newer version or of an isolation that is not known, or
 * another negative errno; @ret_error is set.
 */
int task_record_read(const char *text, size_t n, TaskRecord *ret, Error **ret_error);
