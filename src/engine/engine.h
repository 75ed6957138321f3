/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/error.h"
#include "engine/record.h"
#include "exec/exec.h"
#include "kernel/leader.h"
#include "bus/system-bus.h"
#include "unit/transient.h"
#include "task/exit-result.h"
#include "task/request.h"
#include "task/root.h"
#include "task/state.h"

/*
 * Starts tasks as units, waits for them, stops them and recovers them. The driver and nspawnctl use this one
 * engine: a TaskRequest does not say which front end made it.
 */
typedef struct Engine Engine;
typedef struct Task Task;
typedef struct TaskWait TaskWait;

/*
 * What a program uses its engine for. The roles differ in three things: whether a record and notes of each
 * task are kept, so that its result can be read after the unit is gone; how a unit that is in the way of a
 * start is treated; and whether the engine may change the tasks that it recovers.
 *
 *                  record   unit in the way                recovered tasks
 *   ENGINE_DRIVER  yes      adopted or replaced            owned: held, their leftovers removed
 *   ENGINE_RUN     yes      the start is refused           owned
 *   ENGINE_DETACH  no       the start is refused           owned
 *   ENGINE_VISITOR no       (a visitor starts no task)     only read: no reference, nothing removed
 */
typedef enum EngineRole {
        /*
         * The Nomad driver. Each id belongs to one start: a unit that an interrupted start with the same id
         * left is adopted, and one of an earlier start of the same task (another id, which no task of this
         * engine has) is killed and replaced.
         */
        ENGINE_DRIVER,
        ENGINE_RUN,     /* `nspawnctl run`: one task, whose end the program waits for */
        ENGINE_DETACH,  /* `nspawnctl run --detach`: one task, which the program leaves to systemd */
        ENGINE_VISITOR, /* `nspawnctl exec`, `shell`, `attach`: tasks that another process owns */
} EngineRole;

typedef struct EngineConfig {
        const char *bus_address;     /* NULL for the system bus */
        const char *nspawn;          /* path of systemd-nspawn; NULL to look for it */
        const char *init;            /* path of our init; NULL to look for it */
        const char *helper;          /* path of nspawn-units-helper; NULL to look for it */
        const char *image_directory; /* where relative images are */
        size_t starts_at_once;       /* more starts wait; 0 for a number that suits the host */
        /*
         * Where the tasks' directories are (unit/task-dir.h); NULL for /run/nspawn-units. systemd removes
         * what a unit leaves there only if it is below /run.
         */
        const char *runtime_directory;
        EngineRole role;
        const LeaderFunctions *processes; /* NULL for those of the isolation */
        ExecNew exec_new;                 /* NULL for exec_new(): runs commands in tasks */
} EngineConfig;

/* Descriptors of a task. -1: the output goes to the journal. */
typedef struct TaskStreams {
        int output;
        int error;
} TaskStreams;

typedef struct EngineCallbacks {
        /*
         * The connection to systemd was made (@error NULL), or was lost or could not be made. May be NULL.
         */
        void (*on_connection)(void *userdata, const Error *error);
        /* Reports an event of a task for its owner to read. @annotations: key, value, ..., NULL. */
        void (*on_event)(void *userdata, Task *task, const char *message, const char *const *annotations);
} EngineCallbacks;

/* @callbacks must live as long as the engine. Return: the engine, never NULL. */
Engine *engine_new(
        sd_event *event, const EngineConfig *config, const EngineCallbacks *callbacks, void *userdata);

/* Does not stop or remove any task. */
Engine *engine_free(Engine *engine);
DEFINE_CLEANUP(Engine *, engine_free)

/* Return: where the tasks' directories are, owned by the engine. */
const char *engine_runtime_directory(const Engine *engine);

/* Return: whether there is a usable connection to systemd. */
bool engine_is_connected(const Engine *engine);
SystemBus *engine_system_bus(Engine *engine);

/* Return: the task, or NULL. */
Task *engine_find(Engine *engine, const char *id);
/* Return: some task, or NULL. */
Task *engine_first(Engine *engine);
size_t engine_n_tasks(const Engine *engine);

/**
 * TaskStarted - a start or a recovery has succeeded or failed
 * @task:  the task; NULL after a failure: the engine has forgotten the task by then
 * @error: why it failed, in words
 */
typedef void (*TaskStarted)(void *userdata, Task *task, const Error *error);

/**
 * engine_start() - start a task
 * @id:      the caller's name for the task; no other task of the engine may have it
 * @request: checked by task_request_check(); the engine takes ownership of it, also when the call fails
 * @streams: descriptors, borrowed until the call returns
 *
 * @started is called once, when the task's command runs or the start failed, and not from within this call.
 *
 * Return: 0, or a negative errno with @ret_error set; @started is not called then.
 */
int engine_start(Engine *engine, const char *id, TaskRequest *request, const TaskStreams *streams,
        TaskStarted started, void *userdata, Error **ret_error);

/**
 * engine_recover() - take up a task that an earlier process of ours started
 *
 * Succeeds when the task's unit is alive, and when the task has ended and its notes say how. The rest is as
 * for engine_start(), except that a recovery without a connection to systemd waits some seconds for one.
 */
int engine_recover(Engine *engine, const char *id, const TaskRecord *record, TaskStarted started,
        void *userdata, Error **ret_error);

/**
 * engine_find_left() - look for a task that an earlier process of ours started and that was not recovered
 *
 * Return: 0 and the record for engine_recover(); -ENOENT when there is none; or another negative errno.
 */
int engine_find_left(Engine *engine, const char *id, TaskRecord *ret);

/* @result is valid during the call. The task may have been forgotten meanwhile. */
typedef void (*TaskEnded)(void *userdata, const ExitResult *result);

/**
 * task_wait() - call a function when a task ends
 *
 * @ended is called once from the loop, also when the task ended before, and not from within this call.
 *
 * Return: a handle to be freed by the caller; freeing it only ends the waiting.
 */
TaskWait *task_wait(Task *task, TaskEnded ended, void *userdata);
TaskWait *task_wait_free(TaskWait *wait);

/**
 * task_stop() - end a task
 * @signal:       sent to the task's process; 0 for the default: an orderly shutdown of a booted task, else
 *                SIGTERM
 * @timeout_usec: how long the task may take to end; then all of its processes are killed
 *
 * task_wait() reports the end. May be called in any state, and more than once.
 */
void task_stop(Task *task, int signal, uint64_t timeout_usec);

/**
 * task_signal() - send a signal to a task's process
 *
 * The process is the init system of a booted task. Otherwise it is the command itself, also when our init or
 * nspawn's stub init runs it.
 *
 * Return: 0; -ESRCH when there is no process that could take it now; or another negative errno.
 */
int task_signal(Task *task, int signal);

/**
 * task_exec() - run a command inside a running task, in addition to the task's own
 *
 * exec_new() describes the callbacks. The Exec does not need the Task afterwards.
 *
 * Return: 0; -ESRCH when the task does not run, -EBUSY when it is frozen; or another negative errno.
 * @ret_error is set.
 */
int task_exec(Task *task, const ExecSpec *spec, const ExecCallbacks *callbacks, void *userdata, Exec **ret,
        Error **ret_error);

/* Forgets an ended task: lets systemd collect its unit and frees it. */
void task_forget(Task *task);

const char *task_id(const Task *task);
TaskState task_state(const Task *task);
const TaskRecord *task_record(const Task *task);
const ExitResult *task_result(const Task *task);
/*
 * Return: the pid on the host of the container's first process, which this call searches for; 0 when there
 * is none.
 */
pid_t task_leader(Task *task);
/*
 * Return: the control group of the unit as systemd last reported it, owned by the task; NULL while unknown.
 */
const char *task_control_group(const Task *task);
