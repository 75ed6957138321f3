/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "bus/unit.h"
#include "engine/engine.h"
#include "engine/gate.h"
#include "engine/record-file.h"
#include "engine/start.h"
#include "kernel/cgroup-watch.h"
#include "unit/isolation.h"
#include "unit/journal.h"

/* A task and the engine as the files of src/engine see them; engine.h is what everybody else sees. */

struct TaskWait {
        LIST_ENTRY(TaskWait) waits;
        Task *task; /* NULL once it ended */
        ExitResult result;
        sd_event_source *now;
        TaskEnded ended;
        void *userdata;
};

/*
 * A task begins with a start or a recovery (start.h), is followed while its unit lives (run.h), may be
 * stopped (stop.c) and ends once (end.h). TaskState says which calls make sense in between.
 */
struct Task {
        LIST_ENTRY(Task) tasks;
        Engine *engine;
        char *id;
        TaskState state;
        TaskRecord record;
        const Isolation *isolation;
        bool has_record; /* that is its own */
        int result_fd;   /* eventfd of this start (base/run-result.h), or -1 */
        Start *start;    /* NULL once the caller of engine_start() or engine_recover() knows the outcome */

        /* of its unit */
        Unit *unit;
        bool held; /* systemd keeps the unit for us */
        pid_t main_pid;
        char *control_group; /* the last one; it may be gone */

        /* of the run that is up */
        pid_t leader;
        int leader_fd;
        pid_t leader_parent; /* main_pid when the leader was found */
        uint32_t n_restarts; /* by systemd, that were told */
        char *invocation;    /* of the last run that was seen up; NULL when unknown */
        char *run_end;       /* how the last run ended, until the next begins */
        bool recovered;
        uint32_t n_restarts_before; /* when it was recovered */

        /* of the control group of that run */
        CgroupWatch *watch;
        CgroupOom oom; /* seen and not told yet */
        sd_event_source *oom_timer;
        uint64_t n_oom_before; /* kills in this run before the watch */

        /* of its stop */
        sd_event_source *stop_timer;
        bool killed; /* by us, because it took too long */
        bool frozen; /* the owner was told that this keeps the task from ending */

        /* of its end */
        bool ending;         /* its unit is dead, and its lines in the journal are being read: */
        JournalWords *words; /* by this */
        ExitResult result;
        LIST_HEAD(, TaskWait) waits;
};

struct Engine {
        sd_event *event;
        SystemBus *system_bus;
        char *nspawn;
        char *init;
        char *helper;
        char *runtime_directory;
        EngineRole role;
        const LeaderFunctions *processes;
        ExecNew exec_new;
        char *image_directory;
        const EngineCallbacks *callbacks;
        void *userdata;
        LIST_HEAD(, Task) tasks;
        size_t n_tasks;
        Gate gate;

        /* What engine.c does with what the files below it find out. */
        const UnitCallbacks *on_unit;
};

/* Return: whether the record and the notes of a task stay until task_forget(). */
static inline bool engine_keeps_records(const Engine *engine) {
        return engine->role == ENGINE_DRIVER || engine->role == ENGINE_RUN;
}

void task_event(Task *task, const char *message, const char *const *annotations);

/* Follows the unit of the task from now on, over all connections. */
void task_watch(Task *task);

/* Has systemd keep the state of the task's unit for us, as long as this connection lasts. */
void task_hold(Task *task);

/*
 * Finds the container's first process: the one that was found before, or else it is looked for, each time
 * that somebody needs it.
 *
 * Return: a pidfd that is the task's, with task->leader set; -ESRCH when there is none now; or another
 * negative errno.
 */
int task_find_leader(Task *task);

/* The run of the leader is over. */
void task_forget_leader(Task *task);

/* The opposite of task_hold(), on a connection that did not hold it; for a task whose unit is dead. */
void task_let_go(Task *task);

/* How the last run ended, as far as it is noted. Return: whether the task has a record that is its own. */
bool task_read_end(const Task *task, RunEnd *ret);

/* Which of two runs is meant: the one of an invocation of the unit, or the one before it. */
typedef struct RunChoice {
        const char *invocation; /* NULL when unknown */
        bool earlier;
} RunChoice;

/* As task_read_end(), of a run that another may have followed already. */
bool task_read_run(const Task *task, const RunChoice *choice, RunEnd *ret);
