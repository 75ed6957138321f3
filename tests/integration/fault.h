/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "box.h"

/*
 * Tables of faults. Each cell says at which moment of its life a task is held, what is done to it then, and
 * what must be true of it afterwards.
 */

/* A moment in a task's life. */
typedef enum Moment {
        STARTING, /* StartTask has no answer yet; the unit's main process waits before it executes nspawn */
        RUNNING,
        STOPPING, /* the payload got the signal and ignores it */
        EXITED,   /* with code 7, and nobody called WaitTask yet */
        _MOMENT_MAX,
} Moment;

const char *moment_to_string(Moment moment);

typedef enum Outcome {
        ENDS,     /* WaitTask returns this code and signal */
        LIVES,    /* the same process runs on and no output is lost; the payload then exits with 5 */
        RESTARTS, /* systemd starts another run in the same unit, which then exits with 0 */
        FAILS,    /* StartTask fails, and its message has these words */
} Outcome;

typedef struct Subject Subject;

typedef struct Truth {
        Outcome outcome;
        int code, signal;
        bool oom_killed;
        const char *words;
        const char *once[3]; /* texts; each is in exactly one event */
        bool more_kills;     /* the kernel may kill nspawn as well, so that the task ends with SIGKILL */
} Truth;

/*
 * Stands in Truth.once for the number of processes that the kernel killed for want of memory. It is usually
 * one. It is more when something else needs memory in the unit's control group before the kernel has freed
 * that of the killed process. Seen with Linux 7.2 on a busy host: systemd makes a control group for
 * ExecStop= below that of the unit, and the kernel kills nspawn to have memory for it.
 */
#define KILLED_BY_KERNEL "[N processes]"

/*
 * A fault is a shell line. In it, $U is the task's unit, $M the unit's main process (nspawn), $L the leader,
 * $P the payload's process, $G the unit's control group, $I the pipe from which the payload reads lines.
 */
typedef struct Cell {
        const char *fault;
        Moment moment;
        const char *line;
        void (*apply)(Agent *agent, Subject *subject); /* a fault that is no shell line */
        const char *config;                            /* options of the task */
        int stop_sec;                                  /* timeout of the StopTask; 0 for none */
        Truth truth;
} Cell;

/* The task of a cell. */
struct Subject {
        const Cell *cell;
        Job *job;
        ClientCall *stopping;
        char *main_pid;
        bool applied;
};

/* The stream of TaskEvents. */
typedef struct Events {
        ClientCall *call;
        char **lines; /* "ALLOCATION MESSAGE" */
} Events;

void events_open(Events *events, Agent *agent);
void events_clear(Events *events);
#define _cleanup_events_ _cleanup_(events_clear)
/* Reads all events up to now; @job is any task that the driver knows. */
void events_read(Events *events, Agent *agent, Job *job);

/* Starts the tasks of all cells and brings each to its moment. */
void subjects_begin(Agent *agent, Subject *subjects, const Cell *cells, size_t n);
/* Applies the fault of the cell, unless subjects_begin() did (it does for a stop with a timeout). */
void subject_apply(Agent *agent, Subject *subject);
/* Lets a held start go on. */
void subject_open_gate(Subject *subject);
/* Waits for the task's calls and checks that their results are the cell's truth. */
void subject_check(Agent *agent, Subject *subject);
void subjects_check_events(Agent *agent, Events *events, Subject *subjects, size_t n);
/* Destroys the task; nothing of it may be left on the host. */
void subject_destroy(Agent *agent, Subject *subject);

/* Opens the gates, checks all subjects and their events, and destroys them. */
void subjects_end(Agent *agent, Events *events, Subject *subjects, size_t n);

/* Calls StopTask without waiting for the answer. @timeout_sec: 0 for a timeout that does not expire. */
ClientCall *stop_begin(Agent *agent, Job *job, int64_t timeout_sec);
void stop_end(ClientCall *call);

/* Writes a line to the pipe that the payload reads. */
void say_to(Job *job, const char *line);
/* Waits until the driver reports that the task ended. */
void wait_exited(Agent *agent, Job *job);
