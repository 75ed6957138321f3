/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "box.h"

/*
 * What the tables of faults are made of: tasks that can be held at any moment of their life, what is done to
 * them then, and what must be true of them afterwards.
 */

/* Of a task's life. */
typedef enum Moment {
        STARTING, /* StartTask is not answered: the unit's main process is there and not nspawn yet */
        RUNNING,
        STOPPING, /* its process has the signal and ignores it */
        EXITED,   /* with code 7, and nobody called WaitTask yet */
        _MOMENT_MAX,
} Moment;

const char *moment_to_string(Moment moment);

typedef enum Outcome {
        ENDS,     /* and WaitTask tells code and signal */
        LIVES,    /* the same process, and no line of its output is missing; it then ends with 5 */
        RESTARTS, /* it begins anew in the same unit; it then ends with 0 */
        FAILS,    /* StartTask fails with these words */
} Outcome;

typedef struct Subject Subject;

typedef struct Truth {
        Outcome outcome;
        int code, signal;
        bool oom_killed;
        const char *words;
        const char *once[3]; /* parts of events, of which each came exactly once */
        bool more_kills;     /* of which the task may end with SIGKILL; see KILLED_BY_KERNEL */
} Truth;

/*
 * In a part of an event: how many processes of the task the kernel says it killed for want of memory. That
 * is one, unless something takes memory on the task's account before the kernel has back what the killed
 * process had. Seen with Linux 7.2 on a busy host: systemd makes a control group below the unit's for
 * ExecStop=, the kernel charges it to the task and kills nspawn for it.
 */
#define KILLED_BY_KERNEL "[N processes]"

/* Faults of a task are shell lines: $U is its unit, $M the unit's main process, nspawn; $L the container's
 * first, $P the payload's; $G the unit's control group; $I the pipe that the payload reads words from. */
typedef struct Cell {
        const char *fault;
        Moment moment;
        const char *line;
        void (*apply)(Agent *agent, Subject *subject); /* what no shell line can do */
        const char *config;                            /* options of the task */
        int stop_sec;                                  /* timeout of the StopTask; 0 for none */
        Truth truth;
} Cell;

/* A task that is put into a cell. */
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
/* Reads all events until now; @job is one that the driver knows. */
void events_read(Events *events, Agent *agent, Job *job);

/* Starts all of them, each up to the moment of its cell; no two of them wait for each other. */
void subjects_begin(Agent *agent, Subject *subjects, const Cell *cells, size_t n);
/* Does to it what its cell says, once; what may be stopped before all have begun has it done to it already.
 */
void subject_apply(Agent *agent, Subject *subject);
/* The start goes on. */
void subject_open_gate(Subject *subject);
/* What was asked for is done, and what is told is the cell's truth. */
void subject_check(Agent *agent, Subject *subject);
void subjects_check_events(Agent *agent, Events *events, Subject *subjects, size_t n);
/* The end of all: nothing may be left of it. */
void subject_destroy(Agent *agent, Subject *subject);

/* Opens the gates, and does all of the above. */
void subjects_end(Agent *agent, Events *events, Subject *subjects, size_t n);

/* Calls StopTask and does not wait for the answer; with 0 its timeout does not run out. */
ClientCall *stop_begin(Agent *agent, Job *job, int64_t timeout_sec);
void stop_end(ClientCall *call);

/* Writes a line to the pipe that the payload reads. */
void say_to(Job *job, const char *line);
/* Waits until the driver says that the task ended. */
void wait_exited(Agent *agent, Job *job);
