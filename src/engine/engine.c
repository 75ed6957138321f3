/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/program.h"
#include "base/string.h"
#include "engine/private.h"
#include "unit/host.h"
#include "kernel/leader.h"

void task_find_leader(Task *task) {
        if (task->main_pid <= 0 || task->main_pid == task->leader_parent)
                return;

        task->leader_fd = fd_close(task->leader_fd);
        task->leader = 0;
        pid_t leader = leader_find(task->main_pid);
        if (leader > 0) {
                task->leader = leader;
                task->leader_fd = process_open(leader, task->main_pid);
                task->leader_parent = task->main_pid;
        }
}

/* Notes how a run ended that systemd wants to follow by another; its group is gone. */
static void task_end_run(Task *task, const UnitStatus *status) {
        LedgerEnd end;

        task->leader_fd = fd_close(task->leader_fd);
        task->leader = task->leader_parent = 0;
        if (task->run_end)
                return;

        (void) task_read_end(task, &end);
        task_unwatch_group(task, &end);
        ExitResult result = exit_result(status, &end, false);
        bool rebooted = task->record.launch == TASK_LAUNCH_BOOT && result.code == NSPAWN_STATUS_REBOOT;
        task->run_end = rebooted ? xstrdup("it rebooted") : exit_describe(&result);
}

/* systemd counts restarts that it then refuses: only one that led to a run is told. */
static void task_begin_run(Task *task, const UnitStatus *status) {
        if (status->n_restarts > task->n_restarts) {
                _cleanup_free_ char *count = xasprintf("%u", status->n_restarts);

                task_end_run(task, status); /* if nothing was seen of the end */
                _cleanup_free_ char *message = xasprintf("Restarted by systemd: %s", task->run_end);
                task_event(task, message,
                        (const char *const[]){ "unit", task->record.unit, "restarts", count, NULL });
        }

        task->n_restarts = status->n_restarts;
        string_replace(&task->run_end, NULL);
        task_find_leader(task);
        task_watch_group(task);
}

/* What is to be noticed while a task runs. */
static void task_follow(Task *task, const UnitStatus *status) {
        if (unit_status_is_restarting(status)) {
                task_end_run(task, status);
                /* It would be stopped in vain. */
                if (task->state == TASK_STOPPING)
                        (void) unit_stop(task->unit);
        } else if (unit_status_is_up(status))
                task_begin_run(task, status);
}

static void on_unit_changed(void *userdata, const UnitStatus *status, const sd_bus_error *error) {
        Task *task = userdata;

        if (status)
                task->main_pid = (pid_t) status->main_pid;
        if (status && !string_is_empty(status->control_group))
                string_replace(&task->control_group, status->control_group);

        if (task->started)
                task_start_on_status(task, status, error);
        else if (task->state == TASK_EXITED)
                return;
        else if (!status)
                task_end(task, &(UnitStatus){}); /* systemd knows it no longer, nor do we */
        else if (unit_status_is_dead(status))
                task_end(task, status);
        else
                task_follow(task, status);
}

int task_watch(Task *task) {
        static const UnitCallbacks unit_callbacks = { on_unit_changed, task_on_frozen };

        task->unit = unit_free(task->unit);
        return unit_new(task->engine->system_bus, task->record.unit, &unit_callbacks, task, &task->unit);
}

int task_hold(Task *task) {
        int r = task->engine->observes ? 0 : unit_pin(task->unit);

        task->held = !task->engine->observes && r >= 0;
        return r;
}

/*
 * With the bus systemd forgets who held a unit, and does not look whether anybody still needs it (252 to
 * 255, dbus.c, destroy_bus()): a dead unit would stay until somebody lets it go.
 */
static void task_let_go(Task *task) {
        SystemBus *system_bus = task->engine->system_bus;

        if (task->held && system_bus_send(system_bus, "RefUnit", "s", task->record.unit) >= 0)
                (void) system_bus_send(system_bus, "UnrefUnit", "s", task->record.unit);
        task->held = false;
}

/* What happened meanwhile is not known: look at every unit, and hold on to it as before. */
static void engine_reconcile(Engine *engine) {
        Task *task;

        LIST_FOREACH (task, &engine->tasks, tasks) {
                if (task->state == TASK_EXITED || task->ending)
                        task_let_go(task);
                if (!task->record.unit || task->state == TASK_EXITED || task->ending)
                        continue;
                /* Nothing was asked of systemd for one that waits for its turn. */
                if (task_watch(task) < 0 || task->waiting || task_hold(task) < 0)
                        continue;
                if (task->started && task->state == TASK_STOPPING)
                        (void) unit_stop(task->unit);
                if (task->killed && !task->stop_timer)
                        task_kill_unit(task);
                unit_refresh(task->unit);
        }
}

static void on_manager_changed(void *userdata, const Error *error) {
        Engine *engine = userdata;
        Task *task;

        if (!error) {
                engine_reconcile(engine);
                engine_open_gate(engine);
        } else {
                /* The old connection's slots are of no use any more. */
                LIST_FOREACH (task, &engine->tasks, tasks) {
                        task->unit = unit_free(task->unit);
                }
        }

        if (engine->callbacks->on_connection)
                engine->callbacks->on_connection(engine->userdata, error);
}

void engine_find_programs(Engine *engine) {
        if (!engine->nspawn) {
                HostFacts facts;

                host_facts_probe(&facts);
                engine->nspawn = xstrdup_null(facts.nspawn);
        }
        if (!engine->init)
                engine->init = program_find(PROGRAM_INIT);
        if (!engine->helper)
                engine->helper = program_find(PROGRAM_HELPER);
}

Engine *engine_new(
        sd_event *event, const EngineConfig *config, const EngineCallbacks *callbacks, void *userdata) {
        Engine *engine = xnew(Engine, 1);

        engine->event = sd_event_ref(event);
        engine->nspawn = xstrdup_null(config->nspawn);
        engine->init = xstrdup_null(config->init);
        engine->helper = xstrdup_null(config->helper);
        engine->ledgers = config->ledgers;
        engine->adopts = config->adopts;
        engine->observes = config->observes;
        engine->starts_at_once = config->starts_at_once ? config->starts_at_once : gate_width();
        engine->image_directory = xstrdup(config->image_directory);
        engine->callbacks = callbacks;
        engine->userdata = userdata;
        LIST_INIT(&engine->tasks);
        engine->system_bus = system_bus_new(event, config->bus_address, on_manager_changed, engine);
        return engine;
}

Engine *engine_free(Engine *engine) {
        Task *task;

        if (!engine)
                return NULL;

        while ((task = LIST_FIRST(&engine->tasks)))
                task_free(task);
        engine->gate = sd_event_source_disable_unref(engine->gate);
        system_bus_free(engine->system_bus);
        sd_event_unref(engine->event);
        free(engine->nspawn);
        free(engine->init);
        free(engine->helper);
        free(engine->image_directory);
        free(engine);
        return NULL;
}

bool engine_is_connected(const Engine *engine) {
        return system_bus_is_ready(engine->system_bus);
}

SystemBus *engine_system_bus(Engine *engine) {
        return engine->system_bus;
}

Task *engine_find(Engine *engine, const char *id) {
        Task *task;

        LIST_FOREACH (task, &engine->tasks, tasks)
                if (streq(task->id, id))
                        return task;
        return NULL;
}

Task *engine_first(Engine *engine) {
        return LIST_FIRST(&engine->tasks);
}

int engine_find_left(Engine *engine, const char *id, TaskRecord *ret) {
        return engine->ledgers ? ledger_find(id, ret) : -ENOENT;
}

size_t engine_n_tasks(const Engine *engine) {
        return engine->n_tasks;
}

Task *task_new(Engine *engine, const char *id, TaskStarted started, void *userdata) {
        Task *task = xnew(Task, 1);

        task->asked_usec = clock_realtime_usec();
        task->engine = engine;
        task->id = xstrdup(id);
        task->state = task_state_next(TASK_NEW, TASK_INPUT_START);
        task->started = started;
        task->started_userdata = userdata;
        task->leader_fd = -1;
        task->streams = (TaskStreams){ -1, -1 };
        LIST_INIT(&task->waits);
        LIST_INSERT_HEAD(&engine->tasks, task, tasks);
        engine->n_tasks++;
        return task;
}

void task_free(Task *task) {
        /* A task that is forgotten while it lives is over for whoever waits, with a result nobody knows. */
        while (!LIST_EMPTY(&task->waits))
                task_wait_end(LIST_FIRST(&task->waits));

        LIST_REMOVE(task, tasks);
        task->engine->n_tasks--;
        unit_free(task->unit);
        task_start_clear(task);
        sd_event_source_disable_unref(task->stop_timer);
        task_record_clear(&task->record);
        task->leader_fd = fd_close(task->leader_fd);
        free(task->control_group);
        free(task->run_end);
        cgroup_watch_free(task->watch);
        sd_event_source_disable_unref(task->oom_timer);
        free(task->id);
        free(task);
}

void task_event(Task *task, const char *message, const char *const *annotations) {
        if (task->engine->callbacks->on_event)
                task->engine->callbacks->on_event(task->engine->userdata, task, message, annotations);
}

void task_forget(Task *task) {
        if (task->unit && task->held)
                unit_unpin(task->unit);
        if (task->has_ledger && !task->engine->observes &&
                ledger_is_of(task->record.machine, task->id, NULL))
                ledger_remove(task->record.machine);
        task_free(task);
}

const char *task_id(const Task *task) {
        return task->id;
}

TaskState task_state(const Task *task) {
        return task->state;
}

const TaskRecord *task_record(const Task *task) {
        return &task->record;
}

const ExitResult *task_result(const Task *task) {
        return &task->result;
}

pid_t task_leader(const Task *task) {
        return task->leader;
}

const char *task_control_group(const Task *task) {
        return task->control_group;
}
