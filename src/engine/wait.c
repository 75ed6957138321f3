/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "engine/task.h"
#include "engine/wait.h"
#include "loop/must.h"

static int on_ended(sd_event_source *source _unused_, void *userdata) {
        TaskWait *wait = userdata;

        wait->now = sd_event_source_disable_unref(wait->now);
        wait->ended(wait->userdata, &wait->result);
        return 0;
}

/* The callback is called from the loop, so that it may forget the task and free other waits. */
void task_wait_end(TaskWait *wait) {
        LIST_REMOVE(wait, waits);
        wait->result = wait->task->result;
        event_must(sd_event_add_defer(wait->task->engine->event, &wait->now, on_ended, wait));
        wait->task = NULL;
}

TaskWait *task_wait(Task *task, TaskEnded ended, void *userdata) {
        TaskWait *wait = xnew(TaskWait, 1);

        wait->task = task;
        wait->ended = ended;
        wait->userdata = userdata;
        LIST_INSERT_HEAD(&task->waits, wait, waits);
        if (task->state == TASK_EXITED)
                task_wait_end(wait);
        return wait;
}

TaskWait *task_wait_free(TaskWait *wait) {
        if (!wait)
                return NULL;

        if (wait->task)
                LIST_REMOVE(wait, waits);
        sd_event_source_disable_unref(wait->now);
        free(wait);
        return NULL;
}
