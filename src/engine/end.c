/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>

#include "base/fd.h"
#include "base/run-result.h"
#include "base/string.h"
#include "engine/end.h"
#include "engine/launch.h"
#include "engine/task.h"
#include "engine/wait.h"
#include "engine/watch.h"

/* How long journald may lag behind the end of a unit. */
#define MESSAGE_LIMIT_USEC (500 * USEC_PER_MSEC)

ExitResult exit_result(const Isolation *isolation, const UnitStatus *status, const RunEnd *end, bool killed,
        bool *ret_needs_message) {
        bool needs_message = false;
        ExitResult result;

        if (end->has_payload)
                result = (ExitResult){
                        .known = true,
                        .code = end->payload_code,
                        .signal = end->payload_signal,
                };
        else if (killed)
                result = exit_result_of_signal(SIGKILL);
        else if (end->has_unit)
                result = isolation->result(end->code, end->status, &needs_message);
        else
                result = isolation->result(status->exec_main_code, status->exec_main_status, &needs_message);

        if (ret_needs_message)
                *ret_needs_message = needs_message;
        bool failed = result.known && result.code != 0;
        result.oom_killed = streq_null(status->result, "oom-kill") || streq(end->result, "oom-kill") ||
                (failed && end->oom_kills > 0);
        result.usec = status->exit_usec ? status->exit_usec : end->usec;
        return result;
}

char *exit_describe(const ExitResult *result) {
        const char *reason = result->oom_killed ? ", out of memory" : "";
        const char *name = result->signal > 0 ? sigabbrev_np(result->signal) : NULL;

        if (!result->known)
                return xasprintf("exit status unknown%s", reason);
        if (result->signal > 0)
                return xasprintf("killed by signal %d%s%s%s%s", result->signal, name ? " (SIG" : "",
                        name ? name : "", name ? ")" : "", reason);
        return xasprintf("exit code %d%s", result->code, reason);
}

static void task_finish(Task *task) {
        const ExitResult *result = &task->result;
        bool stopped = task->state == TASK_STOPPING;
        _cleanup_free_ char *how = exit_describe(result);
        _cleanup_free_ char *message = xasprintf("%s: %s", stopped ? "Stopped" : "Exited", how);

        task->ending = false;
        task->state = task_state_next(task->state, TASK_INPUT_GONE);
        task->stop_timer = sd_event_source_disable_unref(task->stop_timer);
        task_event(task, message, (const char *const[]){ "unit", task->record.unit, NULL });

        while (!LIST_EMPTY(&task->waits))
                task_wait_end(LIST_FIRST(&task->waits));
}

static void on_message(void *userdata, const char *message) {
        Task *task = userdata;
        int signal = task->isolation->signal_of_message(message);

        if (signal > 0) {
                task->result.code = 128 + signal;
                task->result.signal = signal;
        }
        task->words = journal_words_free(task->words);
        task_finish(task);
}

/*
 * If the helper was killed before it wrote the notes of the last run, the notes describe an earlier run.
 * Then the eventfd of the start has the result of the last run (base/run-result.h).
 */
static void prefer_last_result(const Task *task, const UnitStatus *status, RunEnd *end) {
        int code, signal;

        if (*end->invocation && status->invocation_id && !streq(end->invocation, status->invocation_id) &&
                run_result_read(task->result_fd, &code, &signal))
                *end = (RunEnd){ .has_payload = true, .payload_code = code, .payload_signal = signal };
}

/*
 * Reports the end of the run before the last, if the last run was so short that the engine saw neither of
 * the two.
 */
static void tell_unseen_run(Task *task, const RunEnd *last) {
        const RunChoice choice = { last->invocation, true };
        RunEnd before;

        if (!task->invocation || !last->has_payload || !*last->invocation ||
                streq(last->invocation, task->invocation) || !task_read_run(task, &choice, &before))
                return;

        const ExitResult result = exit_result(task->isolation, &(UnitStatus){}, &before, false, NULL);
        _cleanup_free_ char *how = exit_describe(&result);
        _cleanup_free_ char *message = xasprintf("Restarted by systemd: %s", how);
        task_event(task, message, (const char *const[]){ "unit", task->record.unit, NULL });
}

void task_end(Task *task, const UnitStatus *status) {
        bool needs_message;
        RunEnd end;

        if (task->ending)
                return;

        bool ours = task_read_end(task, &end);
        prefer_last_result(task, status, &end);
        tell_unseen_run(task, &end);
        /*
         * The directory contains secrets. systemd does not remove it if the unit was stopped between two
         * runs (252, service.c, service_stop()).
         */
        if (ours && task->engine->role != ENGINE_VISITOR)
                task_remove_unit_directory(task);

        task_unwatch_group(task, &end);
        task_forget_leader(task);
        task->result = exit_result(task->isolation, status, &end, task->killed, &needs_message);
        task->ending = true;

        /*
         * An out-of-memory kill does not tell how the command ended: the kernel may have killed another
         * process.
         */
        if (needs_message)
                task->words = journal_words_new(task->engine->event, task->record.unit,
                        task->record.started_usec, MESSAGE_LIMIT_USEC, on_message, task);
        if (!task->words)
                task_finish(task);
}
