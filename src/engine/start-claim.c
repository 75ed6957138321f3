/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>

#include "base/string.h"
#include "engine/claim.h"
#include "engine/launch.h"
#include "engine/phase.h"
#include "engine/task.h"

/* How long a recovery waits for the bus, which may be restarting: a failed recovery would end the task. */
#define RECOVER_LIMIT_USEC (5 * USEC_PER_SEC)

/* LOOK and CLEAR: a unit of this name, or its directory, may exist already. */

static Claim claim_read(const Start *start, const UnitStatus *status, TaskRecord *ret_record) {
        const Task *task = start->task;
        RunEnd end = {};
        /* A record that this start wrote itself says nothing about the unit that existed before. */
        bool own = task->has_record && !start->interrupted;
        bool recorded = !own &&
                record_file_read(task->engine->runtime_directory, task->record.machine, ret_record, &end) >=
                        0;
        const ClaimFacts facts = {
                .id = task->id,
                .recorded = recorded,
                .recorded_id = ret_record->id,
                .payload_ended = end.has_payload,
                .unit_ended = end.has_unit,
                .alive = !unit_status_is_dead(status),
                .followed = ret_record->id && engine_find(task->engine, ret_record->id),
                .adopts = task->engine->role == ENGINE_DRIVER,
        };

        return start->request ? claim_judge_start(&facts) : claim_judge_recovery(&facts);
}

/* Takes over the unit that an earlier process of ours made for this very start. */
static StartPhase adopt(Start *start, const UnitStatus *status) {
        Task *task = start->task;

        task->n_restarts = status->n_restarts;
        task->has_record = true;
        task_hold(task);
        task->record.started_usec = status->active_enter_usec;
        /* A unit that has been active may be ending by now. */
        return status->active_enter_usec > 0 ? START_CONFIRM : START_FOLLOW;
}

/* No living unit has the name: removes the leftovers, but only once per start. */
static StartPhase take_name(Start *start) {
        Task *task = start->task;

        if (start->cleared)
                return start_fail(start, EEXIST, "%s is in the way and does not go", task->record.unit);

        start->cleared = true;
        start->interrupted = false;
        (void) system_bus_send(task->engine->system_bus, "ResetFailedUnit", "s", task->record.unit);
        task_remove_unit_directory(task);
        return START_QUEUE;
}

static StartPhase look_begin(Start *start) {
        unit_refresh(start->task->unit);
        return START_LOOK;
}

static StartPhase look_on_status(Start *start, const UnitStatus *status) {
        Task *task = start->task;
        _cleanup_task_record_ TaskRecord other = {};

        switch (claim_read(start, status, &other)) {
        case CLAIM_FREE:
                return take_name(start);
        case CLAIM_OURS_ALIVE:
                return adopt(start, status);
        case CLAIM_OURS_ENDED:
                task->has_record = true;
                return START_ENDED;
        case CLAIM_ABANDONED:
                task_event(task, "Ending an earlier start of this task, which nobody looks after any more",
                        (const char *const[]){ "unit", task->record.unit, "id", other.id, NULL });
                return START_CLEAR;
        default:
                return start_fail(start, EEXIST, "%s runs already%s%s: stop it first", task->record.unit,
                        other.id ? ", for the task " : "", other.id ? other.id : "");
        }
}

static StartPhase clear_begin(Start *start) {
        /* The unit may have died while there was no connection. */
        if (!start->status)
                unit_refresh(start->task->unit);
        (void) unit_stop(start->task->unit);
        (void) unit_kill_all(start->task->unit, SIGKILL);
        return START_CLEAR;
}

static StartPhase clear_on_status(Start *start, const UnitStatus *status) {
        return unit_status_is_dead(status) ? take_name(start) : START_CLEAR;
}

const StartStep start_look = {
        .begin = look_begin,
        .on_status = look_on_status,
        .stop = START_STOP_CANCELS,
        .again = true,
};

const StartStep start_clear = {
        .begin = clear_begin,
        .on_status = clear_on_status,
        .stop = START_STOP_CANCELS,
        .again = true,
};

/* RECOVER */

static int on_recover_limit(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Start *start = userdata;

        start->timer = sd_event_source_disable_unref(start->timer);
        if (!system_bus_is_ready(start->task->engine->system_bus))
                start->advance(start,
                        start_fail(start, EAGAIN,
                                "there is no connection to systemd; it is being tried again"));
        return 0;
}

/*
 * Reads the unit now, or as soon as there is a connection. The connection is checked after the first calls,
 * because only a call on a dead connection shows that it is dead.
 */
static StartPhase recover_begin(Start *start) {
        Task *task = start->task;
        int r = 0;

        if (!task->unit)
                task_watch(task);
        task_hold(task);
        unit_refresh(task->unit);

        if (system_bus_is_ready(task->engine->system_bus))
                start->timer = sd_event_source_disable_unref(start->timer);
        else if (!start->timer)
                r = sd_event_add_time_relative(task->engine->event, &start->timer, CLOCK_MONOTONIC,
                        RECOVER_LIMIT_USEC, 0, on_recover_limit, start);
        return r < 0 ? start_fail(start, r, "cannot wait for %s: %s", task->record.unit, strerror(-r))
                     : START_RECOVER;
}

static StartPhase recover_on_status(Start *start, const UnitStatus *status) {
        Task *task = start->task;
        _cleanup_task_record_ TaskRecord record = {};
        Claim claim = claim_read(start, status, &record);

        task->n_restarts = task->n_restarts_before = status->n_restarts;
        if (claim == CLAIM_FOREIGN)
                return start_fail(start, ESRCH, "task not found for given id: %s is another task's now",
                        task->record.unit);

        task->has_record = streq_null(record.id, task->id);
        if (claim == CLAIM_OURS_ALIVE)
                return START_SUCCEEDED;
        if (claim == CLAIM_OURS_ENDED)
                return START_ENDED;
        return start_fail(start, ESRCH,
                "task not found for given id: %s is %s, and how it ended is not known", task->record.unit,
                status->active_state ? status->active_state : "unknown");
}

const StartStep start_recover = {
        .begin = recover_begin,
        .on_status = recover_on_status,
        .stop = START_STOP_LATER,
        .again = true,
};
