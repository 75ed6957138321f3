/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>

#include "base/fd.h"
#include "base/signal.h"
#include "base/string.h"
#include "engine/end.h"
#include "engine/launch.h"
#include "engine/task.h"
#include "engine/wait.h"
#include "engine/watch.h"

/* How long journald may lag behind the end of a unit. */
#define WORDS_LIMIT_USEC (500 * USEC_PER_MSEC)

static ExitResult killed_by(int signal) {
        return (ExitResult){ .known = true, .code = 128 + signal, .signal = signal };
}

/* As systemd saw nspawn end. */
static ExitResult result_of_nspawn(int code, int status) {
        if (code == CLD_KILLED || code == CLD_DUMPED)
                return killed_by(status);
        return code == CLD_EXITED ? (ExitResult){ .known = true, .code = status } : (ExitResult){};
}

ExitResult exit_result(const UnitStatus *status, const RunEnd *end, bool killed) {
        ExitResult result;

        if (end->has_payload)
                result = (ExitResult){
                        .known = true,
                        .code = end->payload_code,
                        .signal = end->payload_signal,
                };
        else if (killed)
                result = killed_by(SIGKILL);
        else if (end->has_unit)
                result = result_of_nspawn(end->code, end->status);
        else
                result = result_of_nspawn(status->exec_main_code, status->exec_main_status);

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

/*
 * nspawn ends with 1 when its container was killed, and says by which signal only in words (nspawn.c,
 * wait_for_container(), systemd 252 to 256).
 */
static int signal_of_words(const char *words) {
        static const char phrase[] = "terminated by signal ";
        const char *found = words ? strstr(words, phrase) : NULL;

        if (!found)
                return -1;
        found += sizeof(phrase) - 1;
        _cleanup_free_ char *name = xstrndup(found, strcspn(found, ".; "));
        return signal_from_string(name);
}

static void on_words(void *userdata, const char *words) {
        Task *task = userdata;
        int signal = signal_of_words(words);

        if (signal > 0) {
                task->result.code = 128 + signal;
                task->result.signal = signal;
        }
        task->words = journal_words_free(task->words);
        task_finish(task);
}

/* Whether the container was ended by a signal, perhaps, and only nspawn's words can tell. */
static bool needs_words(const Task *task, const RunEnd *end) {
        return task->result.known && task->result.code == EXIT_FAILURE && task->result.signal == 0 &&
                !end->has_payload;
}

void task_end(Task *task, const UnitStatus *status) {
        RunEnd end;

        if (task->ending)
                return;

        /* Stopped between two runs, systemd leaves it (252, service.c, service_stop()), and it holds
         * secrets. */
        if (task_read_end(task, &end) && !task->engine->observes)
                task_remove_unit_directory(task);

        task_unwatch_group(task, &end);
        task_forget_leader(task);
        task->result = exit_result(status, &end, task->killed);
        task->ending = true;

        /* What the kernel kills first for want of memory is not always the command. */
        if (needs_words(task, &end))
                task->words = journal_words_new(task->engine->event, task->record.unit,
                        task->record.started_usec, WORDS_LIMIT_USEC, on_words, task);
        if (!task->words)
                task_finish(task);
}
