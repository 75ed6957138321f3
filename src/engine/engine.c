/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/string.h"
#include "engine/end.h"
#include "engine/programs.h"
#include "engine/run.h"
#include "engine/stop.h"
#include "engine/task.h"
#include "engine/wait.h"
#include "engine/watch.h"
#include "exec/group.h"
#include "task/name.h"
#include "unit/task-dir.h"

static Task *task_new(Engine *engine, const char *id) {
        Task *task = xnew(Task, 1);

        task->engine = engine;
        task->id = xstrdup(id);
        task->state = task_state_next(TASK_NEW, TASK_INPUT_START);
        task->isolation = isolation_find(ISOLATION_DEFAULT);
        task->leader_fd = -1;
        task->result_fd = -1;
        LIST_INIT(&task->waits);
        LIST_INSERT_HEAD(&engine->tasks, task, tasks);
        engine->n_tasks++;
        return task;
}

static void task_free(Task *task) {
        /* If a living task is forgotten, its waiters get an unknown result. */
        while (!LIST_EMPTY(&task->waits))
                task_wait_end(LIST_FIRST(&task->waits));

        LIST_REMOVE(task, tasks);
        task->engine->n_tasks--;
        start_free(task->start);
        unit_free(task->unit);
        sd_event_source_disable_unref(task->stop_timer);
        task_record_clear(&task->record);
        task->leader_fd = fd_close(task->leader_fd);
        task->result_fd = fd_close(task->result_fd);
        free(task->control_group);
        free(task->invocation);
        free(task->run_end);
        cgroup_watch_free(task->watch);
        sd_event_source_disable_unref(task->oom_timer);
        journal_words_free(task->words);
        free(task->id);
        free(task);
}

void task_forget(Task *task) {
        const char *runtime = task->engine->runtime_directory;

        if (task->unit && task->held)
                unit_unpin(task->unit);
        if (task->has_record && task->engine->role != ENGINE_VISITOR &&
                record_file_is_of(runtime, task->record.machine, task->id, NULL))
                task_dir_remove_record(runtime, task->record.machine);
        task_free(task);
}

static void start_fail_task(Start *start) {
        _cleanup_error_ Error *error = TAKE_PTR(start->error);
        TaskStarted done = start->done;
        void *userdata = start->userdata;

        task_forget(start->task);
        done(userdata, NULL, error);
}

/* Follows a task from now on, after its start or recovery has succeeded. */
static void start_follow_task(const Start *start) {
        Task *task = start->task;

        task->recovered = !start->request;
        if (task->record.started_usec == 0)
                task->record.started_usec = clock_realtime_usec();

        (void) task_find_leader(task);
        task_watch_group(task);
        if (task->recovered && task->engine->role != ENGINE_VISITOR)
                exec_groups_kill_abandoned(NULL, task->control_group, task->leader);
        task->state = task_state_next(task->state, TASK_INPUT_UP);
        if (!task->recovered) {
                const char *const annotations[] = { "unit", task->record.unit, "machine",
                        task->record.machine, NULL };
                _cleanup_free_ char *message = xasprintf("Started %s", task->record.unit);
                task_event(task, message, annotations);
        }
}

/* Tells the caller of a start the outcome, and carries out a stop that had to wait for it. */
static void on_outcome(Start *start, const UnitStatus *over) {
        Task *task = start->task;
        Engine *engine = task->engine;
        _cleanup_free_ char *id = xstrdup(task->id);
        const Start told = *start;

        if (start->phase == START_FAILED) {
                start_fail_task(start);
                return;
        }

        start_follow_task(start);
        start_free(start);
        if (told.stop_asked)
                task_stop(task, told.stop_signal, told.stop_usec);
        told.done(told.userdata, task, NULL);

        /* The caller may have forgotten the task. */
        task = over ? engine_find(engine, id) : NULL;
        if (task)
                task_end(task, over);
}

static int duplicate_streams(Start *start, const TaskStreams *streams) {
        if (streams->output >= 0)
                start->streams.output = fcntl(streams->output, F_DUPFD_CLOEXEC, 3);
        if (streams->error >= 0)
                start->streams.error = fcntl(streams->error, F_DUPFD_CLOEXEC, 3);

        bool lost = (streams->output >= 0 && start->streams.output < 0) ||
                (streams->error >= 0 && start->streams.error < 0);
        return lost ? -errno : 0;
}

int engine_start(Engine *engine, const char *id, TaskRequest *request, const TaskStreams *streams,
        TaskStarted started, void *userdata, Error **ret_error) {
        _cleanup_task_request_ TaskRequest *owned = request;
        int r;

        if (engine_find(engine, id))
                return error_set(ret_error, EEXIST, "task %s was started already", id);
        /*
         * A record is JSON, which has only UTF-8 strings, and a task without a record cannot be found again.
         */
        if (!utf8_is_valid(id, strlen(id)))
                return error_set(ret_error, EINVAL, "the name of the task is not UTF-8");

        r = engine_check_host(engine, ret_error);
        if (r < 0)
                return r;

        Task *task = task_new(engine, id);
        Start *start = start_new(task, on_outcome, started, userdata);
        task->record.id = xstrdup(id);
        task->record.machine = xstrdup(request->identity.machine);
        task->record.owner = xstrdup_null(request->identity.owner);
        task->record.unit = unit_name_make(request->identity.machine);
        task->record.launch = request->launch;
        start->request = TAKE_PTR(owned);

        r = duplicate_streams(start, streams);
        if (r < 0)
                (void) error_set(ret_error, r, "cannot keep the task's streams: %s", strerror(-r));
        else
                r = start_begin(start, START_IMAGE, ret_error);
        if (r < 0)
                task_free(task);
        return r;
}

int engine_recover(Engine *engine, const char *id, const TaskRecord *record, TaskStarted started,
        void *userdata, Error **ret_error) {
        if (engine_find(engine, id))
                return error_set(ret_error, EEXIST, "task %s is known already", id);

        Task *task = task_new(engine, id);
        task_record_copy(&task->record, record);

        int r = start_begin(start_new(task, on_outcome, started, userdata), START_RECOVER, ret_error);
        if (r < 0)
                task_free(task);
        return r;
}

static void on_unit_changed(void *userdata, const UnitStatus *status) {
        Task *task = userdata;

        task->main_pid = (pid_t) status->main_pid;
        if (!string_is_empty(status->control_group))
                string_replace(&task->control_group, status->control_group);

        if (unit_status_is_up(status))
                string_replace(&task->invocation, status->invocation_id);
        if (task->start)
                start_on_status(task->start, status);
        else if (task->state == TASK_EXITED)
                return;
        else if (unit_status_is_dead(status))
                task_end(task, status);
        else
                task_follow(task, status);
}

/*
 * Does not change the state of the task. Only a recovery does not wait for ever, because it holds up the
 * whole agent. It then fails as it does without a connection, and not as if there were no such task.
 */
static void on_unit_unreadable(void *userdata, const Error *error) {
        Task *task = userdata;
        _cleanup_free_ char *message = xasprintf("%s; it is tried again", error_message(error));

        if (task->start && !task->start->request)
                start_abort(task->start, EAGAIN, "%s", message);
        else
                task_event(task, message, (const char *const[]){ "unit", task->record.unit, NULL });
}

/* After a loss of the connection: holds the task's unit again, and reads what happened to it meanwhile. */
static void task_reconcile(Task *task) {
        if (task->state == TASK_EXITED || task->ending) {
                task_let_go(task);
                return;
        }

        task_hold(task);
        if (task->killed && !task->stop_timer)
                task_kill_unit(task);
        unit_refresh(task->unit);
}

static void on_connection_changed(void *userdata, const Error *error) {
        Engine *engine = userdata;

        for (Task *next, *task = LIST_FIRST(&engine->tasks); task; task = next) {
                next = LIST_NEXT(task, tasks);
                if (task->start)
                        start_on_connection(task->start);
                else if (!error)
                        task_reconcile(task);
        }
        if (!error)
                gate_open(&engine->gate);

        if (engine->callbacks->on_connection)
                engine->callbacks->on_connection(engine->userdata, error);
}

Engine *engine_new(
        sd_event *event, const EngineConfig *config, const EngineCallbacks *callbacks, void *userdata) {
        static const UnitCallbacks on_unit = { on_unit_changed, on_unit_unreadable, task_on_frozen };
        Engine *engine = xnew(Engine, 1);

        engine->event = sd_event_ref(event);
        engine->nspawn = xstrdup_null(config->nspawn);
        engine->init = xstrdup_null(config->init);
        engine->helper = xstrdup_null(config->helper);
        engine->role = config->role;
        engine->runtime_directory = xstrdup(task_dir_root(config->runtime_directory));
        engine->processes = config->processes;
        engine->exec_new = config->exec_new ? config->exec_new : exec_new;
        engine->image_directory = xstrdup(config->image_directory);
        engine->callbacks = callbacks;
        engine->userdata = userdata;
        engine->on_unit = &on_unit;
        LIST_INIT(&engine->tasks);
        engine->system_bus = system_bus_new(event, config->bus_address, on_connection_changed, engine);
        gate_init(&engine->gate, event, engine->system_bus,
                config->starts_at_once ? config->starts_at_once : gate_width());
        return engine;
}

Engine *engine_free(Engine *engine) {
        Task *task;

        if (!engine)
                return NULL;

        while ((task = LIST_FIRST(&engine->tasks)))
                task_free(task);
        gate_clear(&engine->gate);
        system_bus_free(engine->system_bus);
        sd_event_unref(engine->event);
        free(engine->nspawn);
        free(engine->init);
        free(engine->helper);
        free(engine->image_directory);
        free(engine->runtime_directory);
        free(engine);
        return NULL;
}

bool engine_is_connected(const Engine *engine) {
        return system_bus_is_ready(engine->system_bus);
}

SystemBus *engine_system_bus(Engine *engine) {
        return engine->system_bus;
}

int engine_find_left(Engine *engine, const char *id, TaskRecord *ret) {
        return engine_keeps_records(engine) ? record_file_find(engine->runtime_directory, id, ret) : -ENOENT;
}
