/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "nomad/driver-tasks.h"

DriverTask *driver_tasks_find(const DriverTasks *tasks, const char *id) {
        DriverTask *task;

        LIST_FOREACH (task, &tasks->list, tasks)
                if (streq(task->id, id))
                        return task;
        return NULL;
}

DriverTask *driver_tasks_add(DriverTasks *tasks, const char *id, const char *name, const char *alloc_id) {
        DriverTask *task = xnew(DriverTask, 1);

        task->id = xstrdup(id);
        task->name = xstrdup(name);
        task->alloc_id = xstrdup(alloc_id);
        LIST_INSERT_HEAD(&tasks->list, task, tasks);
        return task;
}

DriverTask *driver_task_free(DriverTask *task) {
        if (!task)
                return NULL;

        LIST_REMOVE(task, tasks);
        free(task->id);
        free(task->name);
        free(task->alloc_id);
        free(task);
        return NULL;
}

void driver_tasks_clear(DriverTasks *tasks) {
        for (DriverTask *task = LIST_FIRST(&tasks->list), *next; task; task = next) {
                next = LIST_NEXT(task, tasks);
                driver_task_free(task);
        }
}
