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

/* A task and the engine as the files of src/engine see them; all other files use engine.h. */

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
        bool has_record; /* the host has a record of this very task */
        int result_fd;   /* eventfd of this start (base/run-result.h), or -1 */
        Start *start;    /* NULL once the caller of engine_start() or engine_recover() knows the outcome */

        /* of its unit */
        Unit *unit;
        bool held; /* systemd keeps the unit for us */
        pid_t main_pid;
        char *control_group; /* the last one; it may be gone */

        /* of the present run */
        pid_t leader;
        int leader_fd;
        pid_t leader_parent; /* main_pid when the leader was found */
        uint32_t n_restarts; /* restarts by systemd that were reported */
        char *invocation;    /* of the last run that was seen up; NULL when unknown */
        char *run_end;       /* how the last run ended, until the next begins */
        bool recovered;
        uint32_t n_restarts_before; /* when it was recovered */

        /* of the control group of that run */
        CgroupWatch *watch;
        CgroupOom oom; /* seen and not reported yet */
        sd_event_source *oom_timer;
        uint64_t n_oom_before; /* kills in this run before the watch */

        /* of its stop */
        sd_event_source *stop_timer;
        bool killed; /* by us, because it took too long */
        bool frozen; /* the owner was told that the task is frozen and cannot end */

        /* of its end */
        bool ending;         /* its unit is dead, and @words may still read the journal */
        JournalWords *words; /* reads the unit's lines in the journal */
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

        /* The callbacks of engine.c for the units of tasks (task_watch()). */
        const UnitCallbacks *on_unit;
};

/* Return: whether the record and the notes of a task stay until task_forget(). */
static inline bool engine_keeps_records(const Engine *engine) {
        return engine->role == ENGINE_DRIVER || engine->role == ENGINE_RUN;
}

void task_event(Task *task, const char *message, const char *const *annotations);

/* Follows the unit of the task from now on, also after a loss of the connection. */
void task_watch(Task *task);

/* Has systemd keep the state of the task's unit for us, as long as this connection lasts. */
void task_hold(Task *task);

/*
 * Finds the container's first process. A process that was found before is returned again; otherwise each
 * call searches for it.
 *
 * Return: a pidfd owned by the task, with task->leader set; -ESRCH when there is none now; or another
 * negative errno.
 */
int task_find_leader(Task *task);

/* Forgets the leader, whose run is over. */
void task_forget_leader(Task *task);

/* Ends the hold that a lost connection had on the unit, which must be dead. */
void task_let_go(Task *task);

/*
 * Reads how the last run ended, as far as the notes say. Return: whether the host has a record of this very
 * task.
 */
bool task_read_end(const Task *task, RunEnd *ret);

/* Selects one of two runs: the run of this invocation of the unit, or with @earlier the run before it. */
typedef struct RunChoice {
        const char *invocation; /* NULL when unknown */
        bool earlier;
} RunChoice;

/* As task_read_end(), for a run that may not be the last any more. */
bool task_read_run(const Task *task, const RunChoice *choice, RunEnd *ret);
