/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/task-dir.h"
#include "engine/stop.h"
#include "engine/task.h"
#include "kernel/cgroup.h"
#include "kernel/leader.h"
#include "loop/must.h"
#include "unit/task-dir.h"

/* How long the unit may clean up after its leader was killed (it may have to remove a copy of an image). */
#define CLEANUP_USEC (10 * USEC_PER_SEC)

void task_kill_unit(Task *task) {
        /*
         * A stop also ends a unit between two runs. During a start, task_stop() has sent the stop already.
         */
        if (!task->start)
                (void) unit_stop(task->unit);
        (void) unit_kill_all(task->unit, SIGKILL);
}

/* A frozen unit cannot handle the signal of its stop, and cannot clean up. */
static void task_thaw(Task *task) {
        _cleanup_free_ char *frozen = cgroup_find_frozen(NULL, task->control_group);

        if (frozen && task->unit)
                (void) unit_thaw(task->unit);
}

static int on_cleanup_timeout(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Task *task = userdata;

        /* Without a connection, the engine kills the unit when there is one again. */
        task->stop_timer = sd_event_source_disable_unref(task->stop_timer);
        if (task->unit)
                task_kill_unit(task);
        return 0;
}

static void task_set_timer(Task *task, uint64_t usec, sd_event_time_handler_t handler) {
        task->stop_timer = sd_event_source_disable_unref(task->stop_timer);
        event_must(sd_event_add_time_relative(
                task->engine->event, &task->stop_timer, CLOCK_MONOTONIC, usec, 0, handler, task));
}

void task_on_frozen(void *userdata, const Error *error) {
        Task *task = userdata;

        if (task->state == TASK_EXITED || task->ending)
                return;
        if (task->start && task->state != TASK_STOPPING) {
                start_abort(task->start, EBUSY, "what is left of an earlier start cannot be ended: %s",
                        error_message(error));
                return;
        }

        _cleanup_free_ char *message = xasprintf("Cannot be stopped: %s", error_message(error));
        if (!task->frozen)
                task_event(task, message, (const char *const[]){ "unit", task->record.unit, NULL });
        task->frozen = true;
        if (task->killed && !task->stop_timer)
                task_set_timer(task, CLEANUP_USEC, on_cleanup_timeout);
}

/*
 * The kernel ends a whole pid namespace with its first process; the unit then ends by itself and
 * leaves nothing behind. Only a unit that does not end that way is killed.
 */
static void task_kill(Task *task) {
        task->killed = true;
        task_thaw(task);

        int leader = task_find_leader(task);
        if (leader >= 0 && process_signal(leader, SIGKILL) >= 0) {
                task_set_timer(task, CLEANUP_USEC, on_cleanup_timeout);
                return;
        }

        (void) on_cleanup_timeout(NULL, 0, task);
}

static int on_stop_timeout(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Task *task = userdata;

        task_event(task, "Killed: it did not end in the time it was given",
                (const char *const[]){ "unit", task->record.unit, NULL });
        task_kill(task);
        return 0;
}

int task_signal(Task *task, int signal) {
        const LeaderFunctions *processes = task->engine->processes;
        int leader = task_find_leader(task);

        if (leader < 0)
                return leader;
        return processes
                ? processes->signal(leader, signal)
                : task->isolation->signal_payload(task->leader, leader, task->record.launch, signal);
}

/* A second stop may shorten the time that the task has left, and never lengthens it. */
static bool stops_sooner(const Task *task, uint64_t timeout_usec) {
        uint64_t end, now;

        return task->stop_timer && sd_event_source_get_time(task->stop_timer, &end) >= 0 &&
                sd_event_now(task->engine->event, CLOCK_MONOTONIC, &now) >= 0 && end <= now + timeout_usec;
}

/*
 * Writes a note for the helper, so that no other run follows this one, whatever the unit's restart policy.
 * If the note cannot be written, task_follow() stops the unit between two runs, provided that it learns of
 * the restart in time.
 */
static void task_forbid_restart(const Task *task) {
        _cleanup_free_ char *path = task_dir_find(
                task->engine->runtime_directory, task->record.machine, TASK_STOPPING_FILE);

        (void) file_write_private(path, "", 0);
}

/* Stops a task that is starting. What a stop does depends on the phase of the start. */
static void stop_start(Task *task, int signal, uint64_t timeout_usec) {
        StartStop kind = start_stop_kind(task->start);

        if (kind == START_STOP_LATER) {
                task->start->stop_asked = true;
                task->start->stop_signal = signal;
                task->start->stop_usec = timeout_usec;
                return;
        }

        task->state = task_state_next(task->state, TASK_INPUT_STOP);
        if (kind == START_STOP_CANCELS)
                start_abort(task->start, ECANCELED, "it was stopped before it started");
        else if (kind == START_STOP_UNIT) {
                if (task->unit)
                        (void) unit_stop(task->unit);
                task_set_timer(task, timeout_usec, on_stop_timeout);
        }
}

void task_stop(Task *task, int signal, uint64_t timeout_usec) {
        if (task->state == TASK_EXITED)
                return;
        if (task->start) {
                stop_start(task, signal, timeout_usec);
                return;
        }

        task->state = task_state_next(task->state, TASK_INPUT_STOP);
        task_forbid_restart(task);
        task_thaw(task);
        if (timeout_usec == 0) {
                task_kill(task);
                return;
        }

        /* Between two runs there is no process that could take the signal. */
        if (task_signal(task, task->isolation->stop_signal(task->record.launch, signal)) < 0 &&
                task->leader_fd < 0 && task->unit)
                (void) unit_stop(task->unit);
        if (!stops_sooner(task, timeout_usec))
                task_set_timer(task, timeout_usec, on_stop_timeout);
}
