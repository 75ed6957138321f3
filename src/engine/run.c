/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "engine/end.h"
#include "engine/run.h"
#include "engine/task.h"
#include "engine/watch.h"

/*
 * Remembers how a run ended after which systemd starts another; the run's control group is gone. On a busy
 * host the next run may have begun by now, or be over too.
 *
 * @next: whether @status is of the next run
 */
static void task_end_run(Task *task, const UnitStatus *status, bool next) {
        const RunChoice choice = { status->invocation_id, next };
        RunEnd end;

        task_forget_leader(task);
        if (task->run_end)
                return;

        (void) task_read_run(task, &choice, &end);
        task_unwatch_group(task, &end);
        ExitResult result = exit_result(task->isolation, status, &end, false, NULL);
        bool rebooted = task->isolation->is_reboot(task->record.launch, &result);
        task->run_end = rebooted ? xstrdup("it rebooted") : exit_describe(&result);
}

/* systemd also counts restarts that it then refuses. The engine reports only a restart that led to a run. */
static void task_begin_run(Task *task, const UnitStatus *status) {
        if (status->n_restarts > task->n_restarts) {
                _cleanup_free_ char *count = xasprintf("%u", status->n_restarts);

                task_end_run(task, status, true); /* if the engine did not see the end */
                _cleanup_free_ char *message = xasprintf("Restarted by systemd: %s", task->run_end);
                task_event(task, message,
                        (const char *const[]){ "unit", task->record.unit, "restarts", count, NULL });
        }

        task->n_restarts = status->n_restarts;
        string_replace(&task->run_end, NULL);
        (void) task_find_leader(task);
        task_watch_group(task);
}

void task_follow(Task *task, const UnitStatus *status) {
        if (unit_status_is_restarting(status)) {
                task_end_run(task, status, false);
                /* Otherwise systemd would start another run of a task that is being stopped. */
                if (task->state == TASK_STOPPING)
                        (void) unit_stop(task->unit);
        } else if (unit_status_is_up(status))
                task_begin_run(task, status);
}
