/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/string.h"
#include "engine/phase.h"
#include "engine/task.h"

static const StartStep *const steps[_START_WAITING_MAX] = {
        [START_IMAGE] = &start_image,
        [START_LOOK] = &start_look,
        [START_CLEAR] = &start_clear,
        [START_QUEUE] = &start_queue,
        [START_JOB] = &start_job,
        [START_FOLLOW] = &start_follow,
        [START_CONFIRM] = &start_confirm,
        [START_REFUSED] = &start_refused,
        [START_EXPLAIN] = &start_explain,
        [START_RECOVER] = &start_recover,
};

/* Ends whatever the phase waits for. */
static void start_leave(Start *start) {
        if (start->phase < _START_WAITING_MAX && steps[start->phase]->cancel)
                steps[start->phase]->cancel(start);
        start->timer = sd_event_source_disable_unref(start->timer);
        start->search = image_search_free(start->search);
        start->job = job_free(start->job);
        start->words = journal_words_free(start->words);
}

/* Enters phases until one of them waits. Return: that phase, or the outcome. */
static StartPhase start_enter(Start *start, StartPhase next) {
        while (next != start->phase) {
                start_leave(start);
                start->phase = next;
                if (next >= _START_WAITING_MAX)
                        break;

                next = steps[next]->begin(start);
                /* The status that led to this phase may also end it at once. */
                if (next == start->phase && start->status && steps[next]->on_status)
                        next = steps[next]->on_status(start, start->status);
        }
        return start->phase;
}

/* If there is an outcome, the start is freed when this returns. */
static void start_advance(Start *start, StartPhase next) {
        if (start_enter(start, next) >= _START_WAITING_MAX)
                start->outcome(start, start->phase == START_ENDED ? start->status : NULL);
}

Start *start_new(Task *task, StartOutcome outcome, TaskStarted done, void *userdata) {
        Start *start = xnew(Start, 1);

        *start = (Start){
                .task = task,
                .phase = START_FAILED,
                .streams = { -1, -1 },
                .asked_usec = clock_realtime_usec(),
                .advance = start_advance,
                .outcome = outcome,
                .done = done,
                .userdata = userdata,
        };
        task->start = start;
        return start;
}

Start *start_free(Start *start) {
        if (!start)
                return NULL;

        start_leave(start);
        gate_leave(&start->pass);
        start->request = task_request_free(start->request);
        root_clear(&start->root);
        start->streams.output = fd_close(start->streams.output);
        start->streams.error = fd_close(start->streams.error);
        free(start->failure);
        error_free(start->error);
        start->task->start = NULL;
        free(start);
        return NULL;
}

int start_begin(Start *start, StartPhase phase, Error **ret_error) {
        if (start_enter(start, phase) != START_FAILED)
                return 0;
        return error_set(ret_error, start->error->code, "%s", error_message(start->error));
}

void start_on_status(Start *start, const UnitStatus *status) {
        const StartStep *step = steps[start->phase];

        if (!step->on_status)
                return;
        start->status = status;
        StartPhase next = start_enter(start, step->on_status(start, status));
        if (next >= _START_WAITING_MAX)
                start->outcome(start, next == START_ENDED ? status : NULL);
        else
                start->status = NULL;
}

void start_on_connection(Start *start) {
        Task *task = start->task;
        const StartStep *step = steps[start->phase];

        if (step->holds)
                task_hold(task);
        if (step->stop == START_STOP_UNIT && task->state == TASK_STOPPING) {
                (void) unit_stop(task->unit);
                if (task->killed && !task->stop_timer)
                        (void) unit_kill_all(task->unit, SIGKILL);
        }
        if (step->again)
                start_advance(start, step->begin(start));
}

void start_abort(Start *start, int code, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        _cleanup_free_ char *message = xvasprintf(format, ap);
        va_end(ap);
        start_advance(start, start_fail(start, code, "%s", message));
}

StartStop start_stop_kind(const Start *start) {
        return start->interrupted ? START_STOP_LATER : steps[start->phase]->stop;
}
