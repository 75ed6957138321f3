/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "engine/engine.h"
#include "engine/ledger.h"
#include "kernel/cgroup-watch.h"
#include "bus/job.h"
#include "unit/journal.h"
#include "bus/machined.h"
#include "bus/unit.h"

/* What the files of the engine share with each other and with nobody else. */

struct TaskWait {
        LIST_ENTRY(TaskWait) waits;
        Task *task; /* NULL once it ended */
        ExitResult result;
        sd_event_source *now;
        TaskEnded ended;
        void *userdata;
};

struct Task {
        LIST_ENTRY(Task) tasks;
        Engine *engine;
        char *id;
        TaskState state;
        TaskRecord record;
        ExitResult result;
        LIST_HEAD(, TaskWait) waits;

        /* of its unit */
        Unit *unit;
        bool held; /* systemd keeps it for us */
        pid_t main_pid;
        pid_t leader;
        int leader_fd;
        pid_t leader_parent; /* main_pid when the leader was found */
        uint32_t n_restarts; /* by systemd, that were told */
        char *run_end;       /* how the last run ended, until the next begins */
        char *control_group; /* the last one; it may be gone */
        CgroupWatch *watch;  /* of this run */
        CgroupOom oom;       /* seen and not told yet */
        sd_event_source *oom_timer;
        uint64_t n_oom_before;      /* kills in this run before the watch */
        uint32_t n_restarts_before; /* when it was recovered */

        /* of its start, until it is over */
        TaskSpec *spec;
        TaskStreams streams; /* duplicates */
        sd_event_source *begin;
        ImageQuery *query;
        Job *job;
        JournalWords *words;
        uint64_t asked_usec; /* realtime: words before belong to a namesake */
        bool waiting;        /* for its turn to start */
        bool has_slot;
        uint64_t ticket;
        sd_event_source *slot_timer;
        bool recovering;
        bool cut_off;  /* a start of this task was there before, says the ledger */
        bool clearing; /* an earlier start's unit is being ended */
        bool refused;  /* its job failed: systemd is not to try again */
        bool looking;  /* something is in the way: waiting for the unit's status */
        bool came_up;  /* its job is done, but the pid of its unit is not known yet */
        bool replaced; /* a dead namesake was cleared away already */
        char *failure; /* why the start failed, as far as is known */
        TaskStarted started;
        void *started_userdata;

        /* of its stop */
        sd_event_source *stop_timer;
        bool killed;     /* by us, for it took too long */
        bool frozen;     /* it was told that this keeps it from ending */
        bool stop_asked; /* while it was being recovered */
        int stop_signal;
        uint64_t stop_usec;

        /* of its end */
        bool has_ledger;
        bool ending; /* its unit is dead, and what nspawn said is being read */
};

struct Engine {
        sd_event *event;
        SystemBus *system_bus;
        char *nspawn;
        char *init;
        char *helper;
        bool ledgers;
        bool adopts;
        bool observes;
        char *image_directory;
        const EngineCallbacks *callbacks;
        void *userdata;
        LIST_HEAD(, Task) tasks;
        size_t n_tasks;
        sd_event_source *gate;
        size_t starts_at_once;
        size_t n_starting;
        uint64_t n_tickets;
};

/* engine.c */
/* Looks for what was not there before: packages come and go while we run. */
void engine_find_programs(Engine *engine);
Task *task_new(Engine *engine, const char *id, TaskStarted started, void *userdata);
void task_free(Task *task);
void task_event(Task *task, const char *message, const char *const *annotations);
/* Has systemd keep the state of the task's unit for us. Return: 0 or a negative errno. */
int task_hold(Task *task);
/* Makes the watch of the task's unit anew, on the connection there is. */
int task_watch(Task *task);
/* Looks for the container's first process, if there is another than was found before. */
void task_find_leader(Task *task);

/* watch.c */
/* SignalMatches the control group of the run that is up, and tells what happens there. */
void task_watch_group(Task *task);
/* This run is over, and @end tells of it: whatever the watch did not see is told. */
void task_unwatch_group(Task *task, const LedgerEnd *end);

/* Return: a memory limit for people, owned by the caller. */
char *limit_in_words(uint64_t limit);
/* Return: how many processes the kernel killed for want of memory, and with which limit; owned by the
 * caller. */
char *oom_describe(uint64_t n_killed, uint64_t limit, uint64_t peak);

/* explain.c */
/* Return: why the start failed, as its unit and its ledger tell; owned by the caller. *ret_enough is whether
 * nothing that nspawn said would tell more. */
char *start_explain_status(const Task *task, const UnitStatus *status, bool *ret_enough);
/* Return: what nspawn said, with what it means for the job; owned by the caller. */
char *start_explain_words(const Task *task, const char *words);

/* end.c */
/* How the last run ended, as far as it is noted. Return: whether the task has a ledger that is its own. */
bool task_read_end(const Task *task, LedgerEnd *ret);
/* The task ended with the unit in this state. */
void task_end(Task *task, const UnitStatus *status);
/* Return: how a run ended, in words: "exit code 7". Owned by the caller. */
char *exit_describe(const ExitResult *result);
/* What the ledger of a task and the state of its unit say together of an end. */
ExitResult exit_result(const UnitStatus *status, const LedgerEnd *end, bool killed);

/* wait.c */
/* Tells whoever waits that the task ended, with the result it has now. */
void task_wait_end(TaskWait *wait);

/* start.c */
/* Frees what only the start needs. */
void task_start_clear(Task *task);
void task_start_on_status(Task *task, const UnitStatus *status, const sd_bus_error *error);
void task_start_on_job(void *userdata, const char *result, const sd_bus_error *error);
/* It runs, or is to be looked after. */
void task_start_succeed(Task *task);
/* It ran, and was over before anything else was known of it. */
void task_start_succeed_and_end(Task *task, const UnitStatus *status);
/* Ends a start without success; frees the task. */
void task_start_fail(Task *task, int code, const char *format, ...) _printf_(3, 4);

/* gate.c */
/* Return: how many starts at once suit this host. */
size_t gate_width(void);
/* Launches the task when it is its turn. */
void task_enter_gate(Task *task);
/* The task is not starting any more; the next may. */
void task_leave_gate(Task *task);
/* Lets those in whose turn it is, from the loop. */
void engine_open_gate(Engine *engine);

/* launch.c */
/* Asks systemd for the unit of a task whose image is known. */
void task_launch(Task *task);
/* Removes what is in /run for a unit that is dead or never came to be. */
void task_remove_runtime_directory(const char *machine);

/* stop.c */
/* Ends whatever its unit is made of, at once; needs a connection. */
void task_kill_unit(Task *task);
/* Its unit was to be ended, and is not: it is frozen, and @error says why it cannot be thawed. */
void task_on_frozen(void *userdata, const Error *error);

/* recover.c */
/* A unit of the task's name is there already, or its directory is: adopt, clear away or refuse it. */
void task_take_up(Task *task, const UnitStatus *status);
void task_recover_on_status(Task *task, const UnitStatus *status);
