/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "bus/error.h"
#include "engine/explain.h"
#include "engine/launch.h"
#include "engine/phase.h"
#include "engine/task.h"
#include "unit/task-dir.h"

/* How long journald may lag behind the end of a unit; a failed start is reported within a second. */
#define WORDS_LIMIT_USEC (500 * USEC_PER_MSEC)

/* QUEUE and JOB */

static void on_slot(void *userdata) {
        Start *start = userdata;

        start->advance(start, START_JOB);
}

static StartPhase queue_begin(Start *start) {
        if (start->pass.granted)
                return START_JOB;
        gate_enter(&start->task->engine->gate, &start->pass, on_slot, start);
        return START_QUEUE;
}

static void queue_cancel(Start *start) {
        if (!start->pass.granted)
                gate_leave(&start->pass);
}

/* Return: whether systemd would refuse the same unit again. */
static bool is_for_good(const sd_bus_error *error) {
        static const char *const names[] = { SD_BUS_ERROR_INVALID_ARGS, SD_BUS_ERROR_NOT_SUPPORTED,
                SD_BUS_ERROR_PROPERTY_READ_ONLY, SD_BUS_ERROR_UNKNOWN_PROPERTY };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (sd_bus_error_has_name(error, names[i]))
                        return true;
        return false;
}

/* A unit with this name exists, and its container may be alive: removes only what this start made. */
static StartPhase unit_exists(Start *start) {
        Task *task = start->task;

        launch_undo(task);
        if (task->state != TASK_STOPPING)
                return START_LOOK;

        task->unit = unit_free(task->unit); /* cancels our stop, which would hit somebody else's unit */
        return start_fail(start, ECANCELED, "it was stopped before it started");
}

static StartPhase job_failed(Start *start, const sd_bus_error *error) {
        const Task *task = start->task;

        if (sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitExists"))
                return unit_exists(start);

        /* The directory is ours: launch_unit() would have found one of another unit with this name. */
        task_remove_unit_directory(task);
        bool for_good = is_for_good(error);
        return start_fail(start, for_good ? EINVAL : EIO, "systemd refused to start %s: %s",
                task->record.unit, bus_error_text(error));
}

static void on_job(void *userdata, const char *result, const sd_bus_error *error) {
        Start *start = userdata;
        bool unknown = sd_bus_error_has_name(error, SD_BUS_ERROR_DISCONNECTED);
        StartPhase next;

        start->job = job_free(start->job);
        /*
         * With AddRef systemd holds the unit, if there is one, for this connection; a new connection does
         * not hold it.
         */
        start->task->held = !error || unknown;
        if (unknown)
                next = START_FOLLOW;
        else if (error)
                next = job_failed(start, error);
        else
                next = streq_null(result, "done") ? START_CONFIRM : START_REFUSED;
        start->advance(start, next);
}

static StartPhase job_begin(Start *start) {
        /* The status is of an earlier unit; this call starts another. */
        start->status = NULL;
        int r = launch_unit(start->task, start->request, &start->root, &start->streams, on_job, start,
                &start->job, &start->error);

        if (r == -EEXIST)
                return START_LOOK;
        return r < 0 ? START_FAILED : START_JOB;
}

/* FOLLOW, CONFIRM, REFUSED and EXPLAIN: the unit exists, and its status decides. */

/* Without a connection, the status is read as soon as there is one. */
static StartPhase follow_begin(Start *start) {
        if (!start->status)
                unit_refresh(start->task->unit);
        return start->phase;
}

static StartPhase follow_on_status(Start *start, const UnitStatus *status) {
        if (unit_status_is_up(status))
                return START_SUCCEEDED;
        return unit_status_is_dead(status) ? START_EXPLAIN : start->phase;
}

/*
 * A signal brings the pid before the signal that ends the job. A status, if there is one, says more than the
 * pid.
 */
static StartPhase confirm_begin(Start *start) {
        return !start->status && start->task->main_pid > 0 ? START_SUCCEEDED : follow_begin(start);
}

static StartPhase confirm_on_status(Start *start, const UnitStatus *status) {
        if (unit_status_is_up(status))
                return START_SUCCEEDED;
        return unit_status_is_dead(status) ? START_ENDED : start->phase;
}

/* Stops a unit that is not dead, because systemd would restart it by itself. */
static StartPhase refused_on_status(Start *start, const UnitStatus *status) {
        if (unit_status_is_dead(status))
                return START_EXPLAIN;
        (void) unit_stop(start->task->unit);
        return start->phase;
}

static StartPhase explain(Start *start, const char *words) {
        _cleanup_free_ char *explained = words
                ? start_explain_words(start->task->isolation, &start->request->spec, &start->root, words)
                : NULL;

        return start_fail(start, start->failure_code, "the container did not start: %s (journalctl -u %s)",
                explained ? explained : start->failure, start->task->record.unit);
}

static void on_words(void *userdata, const char *words) {
        Start *start = userdata;

        start->advance(start, explain(start, words));
}

static StartPhase explain_begin(Start *start) {
        const Task *task = start->task;
        bool enough;

        /* systemd does not remove the directory if it wanted to restart the unit, or never knew the unit. */
        task_remove_unit_directory(task);

        /*
         * A program that exited by itself would do so again. After a time limit, a kill or a lack of
         * resources another try may succeed.
         */
        start->failure_code = streq_null(start->status->result, "exit-code") ? ENOEXEC : EIO;
        start->failure = start_explain_status(task, &start->request->spec, start->status, &enough);
        if (!enough)
                start->words = journal_words_new(task->engine->event, task->record.unit, start->asked_usec,
                        WORDS_LIMIT_USEC, on_words, start);
        return start->words ? START_EXPLAIN : explain(start, NULL);
}

const StartStep start_queue = {
        .begin = queue_begin,
        .cancel = queue_cancel,
        .stop = START_STOP_CANCELS,
};

const StartStep start_job = {
        .begin = job_begin,
        .stop = START_STOP_UNIT,
        .holds = true,
};

const StartStep start_follow = {
        .begin = follow_begin,
        .on_status = follow_on_status,
        .stop = START_STOP_UNIT,
        .again = true,
        .holds = true,
};

const StartStep start_confirm = {
        .begin = confirm_begin,
        .on_status = confirm_on_status,
        .stop = START_STOP_UNIT,
        .again = true,
        .holds = true,
};

const StartStep start_refused = {
        .begin = follow_begin,
        .on_status = refused_on_status,
        .stop = START_STOP_UNIT,
        .again = true,
        .holds = true,
};

const StartStep start_explain = {
        .begin = explain_begin,
        .stop = START_STOP_NOTHING,
};
