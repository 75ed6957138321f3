/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "base/macro.h"

/*
 * The tasks that Nomad asked this process to start or to recover, with the names that Nomad needs back in
 * events and answers and that the engine does not know. A task is listed from its StartTask or RecoverTask
 * until DestroyTask, or until its start failed.
 */
typedef struct DriverTask {
        LIST_ENTRY(DriverTask) tasks;
        char *id;
        char *name;
        char *alloc_id;
} DriverTask;

/* A zero-initialised list is empty. */
typedef struct DriverTasks {
        LIST_HEAD(, DriverTask) list;
} DriverTasks;

/* Return: the task with this id, or NULL. */
DriverTask *driver_tasks_find(const DriverTasks *tasks, const char *id);

/* Adds a task, whose id no listed task may have. Return: the task, never NULL. */
DriverTask *driver_tasks_add(DriverTasks *tasks, const char *id, const char *name, const char *alloc_id);

/* Takes a task off its list and frees it. @task may be NULL. Return: always NULL. */
DriverTask *driver_task_free(DriverTask *task);

/* Frees all listed tasks. */
void driver_tasks_clear(DriverTasks *tasks);
