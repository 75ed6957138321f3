/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/job.h"
#include "bus/unit.h"
#include "engine/engine.h"
#include "engine/gate.h"
#include "image/search.h"
#include "unit/journal.h"

/*
 * A start is an object that lives from engine_start() until its caller knows the outcome. It is in one phase
 * at a time, and waits there for one thing:
 *
 *   IMAGE ----> LOOK ----> CLEAR        LOOK:    the status of a unit that may be in the way is read
 *     |          | ^         |          CLEAR:   an abandoned unit is being ended
 *     |          v |         |          QUEUE:   a slot of the gate
 *     +-------> QUEUE <------+          JOB:     systemd's job that starts the unit
 *                |                      FOLLOW:  the unit itself, because no job of it is known here
 *                v                      CONFIRM: the pid of a unit whose job is done
 *               JOB ----> LOOK          REFUSED: the end of a unit whose job failed
 *                |                      EXPLAIN: what nspawn said, from the journal
 *                v
 *   FOLLOW, CONFIRM, REFUSED ----> success, or EXPLAIN ----> failure
 *
 * A recovery is a start with the one phase RECOVER. A start can fail in every phase.
 *
 * A stop, a loss of the connection and start_free() use the row of the phase (phase.h), so a new phase only
 * needs a new row. A start does not call the files above it; it reports its outcome through StartOutcome.
 */
typedef enum StartPhase {
        START_IMAGE,
        START_LOOK,
        START_CLEAR,
        START_QUEUE,
        START_JOB,
        START_FOLLOW,
        START_CONFIRM,
        START_REFUSED,
        START_EXPLAIN,
        START_RECOVER,
        _START_WAITING_MAX,

        /* Outcomes. */
        START_SUCCEEDED = _START_WAITING_MAX, /* the task runs */
        START_ENDED,                          /* the task ran, and is over already */
        START_FAILED,
} StartPhase;

typedef struct Start Start;

/**
 * StartOutcome - a start is over
 * @start: to be freed by the callee
 * @over:  the status of the unit after START_ENDED, else NULL
 */
typedef void (*StartOutcome)(Start *start, const UnitStatus *over);

struct Start {
        Task *task;
        StartPhase phase;
        TaskRequest *request; /* NULL for a recovery */
        Root root;            /* once the phase IMAGE found it */
        TaskStreams streams;  /* duplicates */
        uint64_t asked_usec;  /* realtime; older journal lines are of another unit with this name */
        bool interrupted;     /* the record says that an earlier process of ours began this start */
        bool cleared;         /* the leftovers of a dead unit with this name were removed already */

        /* what the phase waits for */
        sd_event_source *timer;
        ImageSearch *search;
        GatePass pass; /* its slot outlives the phase QUEUE */
        Job *job;
        JournalWords *words;

        const UnitStatus *status; /* while a status is being handled, else NULL */
        char *failure;            /* why the start failed, as far as the unit's status says */
        int failure_code;         /* EIO where another try may help, else ENOEXEC */
        Error *error;             /* of START_FAILED */

        /* a stop that came too early to be carried out */
        bool stop_asked;
        int stop_signal;
        uint64_t stop_usec;

        /*
         * Ends this phase and enters @next. For the callbacks of whatever the phase waits for. The start may
         * be over when this returns.
         */
        void (*advance)(Start *start, StartPhase next);

        StartOutcome outcome;
        TaskStarted done;
        void *userdata;
};

/* Return: the start of @task, never NULL. task->start is set. */
Start *start_new(Task *task, StartOutcome outcome, TaskStarted done, void *userdata);
Start *start_free(Start *start);

/**
 * start_begin() - begin with a phase
 *
 * StartOutcome is not called from within this call.
 *
 * Return: 0, or a negative errno with @ret_error set, and then StartOutcome is never called.
 */
int start_begin(Start *start, StartPhase phase, Error **ret_error);

/* The status of the unit was read. The start may be over when this returns. */
void start_on_status(Start *start, const UnitStatus *status);

/* The connection to systemd was made again, or was lost. The start may be over when this returns. */
void start_on_connection(Start *start);

/* Ends the start without success; it is over when this returns. */
void start_abort(Start *start, int code, const char *format, ...) _printf_(3, 4);

/* What the stop of a task does while it starts. */
typedef enum StartStop {
        START_STOP_CANCELS, /* systemd was not asked for a unit yet; one with this name is somebody else's */
        START_STOP_UNIT,    /* the unit is stopped, and its end ends the start */
        START_STOP_LATER,   /* the stop is carried out when the start knows the state of the task */
        START_STOP_NOTHING, /* the start has failed already */
} StartStop;

StartStop start_stop_kind(const Start *start);
