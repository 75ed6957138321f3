/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>

#include "base/string.h"
#include "engine/private.h"
#include "task/name.h"

/* How long a restart of the bus may take while a task is recovered: a failure would end the task. */
#define RECOVER_LIMIT_USEC (5 * USEC_PER_SEC)

/* Units that are there already: of a task that is recovered, of a start that was cut off, or in the way. */

/* A start of this very task was cut off before anybody was told of it: what it made is taken up. */
static void start_adopt(Task *task, const UnitStatus *status) {
        task->n_restarts = status->n_restarts;
        task->has_ledger = true;
        (void) task_hold(task);
        task->record.started_usec = status->active_enter_usec;
        /* Active once, it may be ending by now. */
        task->came_up = status->active_enter_usec > 0;
        task_start_on_status(task, status, NULL);
}

/* Return: whether a start that was cut off got as far as the command, and all of it is over. */
static bool start_is_over(const Task *task) {
        LedgerEnd end;

        return task->cut_off && ledger_is_of(task->record.machine, task->id, &end) && end.has_payload;
}

/* Says whose the unit is that is in the way. */
static void start_refuse(Task *task, const char *other) {
        task_start_fail(task, EEXIST, "%s runs already%s%s: stop it first", task->record.unit,
                other ? ", for the task " : "", other ? other : "");
}

/*
 * The unit that is in the way lives. Units have the name of one task only, so with a ledger it is an earlier
 * start of the same, and if nobody here has it nobody ever will.
 */
static void start_over_live_unit(Task *task, const UnitStatus *status) {
        _cleanup_task_record_ TaskRecord other = {};

        if (task->clearing)
                return; /* it takes its time */
        if (task->cut_off) {
                start_adopt(task, status);
                return;
        }

        bool known = ledger_read(task->record.machine, &other, NULL) >= 0 && other.id;
        if (!known || !task->engine->adopts || engine_find(task->engine, other.id)) {
                start_refuse(task, known ? other.id : NULL);
                return;
        }

        task_event(task, "Ending an earlier start of this task, which nobody looks after any more",
                (const char *const[]){ "unit", task->record.unit, "id", other.id, NULL });
        task->clearing = true;
        (void) unit_stop(task->unit);
        (void) unit_kill_all(task->unit, SIGKILL);
}

/* A unit of this name is there already, or its directory is. */
void task_take_up(Task *task, const UnitStatus *status) {
        task->looking = false;

        if (!unit_status_is_dead(status)) {
                start_over_live_unit(task, status);
                return;
        }

        task->clearing = false;
        if (start_is_over(task)) {
                task->has_ledger = true;
                task_start_succeed_and_end(task, status);
                return;
        }

        if (task->replaced) {
                task_start_fail(task, EEXIST, "%s is in the way and does not go", task->record.unit);
                return;
        }

        task->replaced = true;
        task->cut_off = false;
        (void) system_bus_send(task->engine->system_bus, "ResetFailedUnit", "s", task->record.unit);
        task_remove_runtime_directory(task->record.machine);
        task_enter_gate(task);
}

void task_recover_on_status(Task *task, const UnitStatus *status) {
        LedgerEnd end;
        bool ours = ledger_is_of(task->record.machine, task->id, &end);
        bool foreign = !ours && ledger_read(task->record.machine, NULL, NULL) >= 0;

        task->has_ledger = ours;
        task->n_restarts = task->n_restarts_before = status->n_restarts;
        if (foreign)
                task_start_fail(task, ESRCH, "task not found for given id: %s is another task's now",
                        task->record.unit);
        else if (!unit_status_is_dead(status))
                task_start_succeed(task);
        else if (ours && (end.has_payload || end.has_unit))
                task_start_succeed_and_end(task, status);
        else
                task_start_fail(task, ESRCH,
                        "task not found for given id: %s is %s, and how it ended is not known",
                        task->record.unit, status->active_state ? status->active_state : "unknown");
}

static int on_recover_limit(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Task *task = userdata;

        task->begin = sd_event_source_disable_unref(task->begin);
        if (!system_bus_is_ready(task->engine->system_bus))
                task_start_fail(task, EAGAIN, "there is no connection to systemd; it is being tried again");
        return 0;
}

/* Without a connection the unit is looked at like all others when there is one again. */
static int recover_begin(Task *task) {
        SystemBus *system_bus = task->engine->system_bus;
        int r;

        if (!system_bus_is_ready(system_bus))
                return sd_event_add_time_relative(task->engine->event, &task->begin, CLOCK_MONOTONIC,
                        RECOVER_LIMIT_USEC, 0, on_recover_limit, task);

        r = task_watch(task);
        if (r >= 0)
                r = task_hold(task);
        if (r < 0)
                return r;

        unit_refresh(task->unit);
        return 0;
}

int engine_recover(Engine *engine, const char *id, const TaskRecord *record, TaskStarted started,
        void *userdata, Error **ret_error) {
        if (engine_find(engine, id))
                return error_set(ret_error, EEXIST, "task %s is known already", id);

        Task *task = task_new(engine, id, started, userdata);
        task_record_copy(&task->record, record);
        task->recovering = true;

        int r = recover_begin(task);
        if (r < 0) {
                task_free(task);
                return error_set(ret_error, r, "cannot watch %s: %s", record->unit, strerror(-r));
        }
        return 0;
}
