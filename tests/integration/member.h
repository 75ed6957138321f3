/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "crowd.h"

/* One task of a crowd; only for crowd.c. */

typedef enum Kind {
        LASTING,   /* runs until it is stopped */
        ENDING,    /* ends by itself */
        RESTARTED, /* ends by itself as well, but systemd starts it again until it has run N_RUNS times */
} Kind;

typedef enum Life {
        EMPTY,
        STARTING,   /* StartTask has no answer that it began */
        STARTED,    /* it had one; the task may have ended by now */
        DESTROYING, /* DestroyTask has no answer yet */
} Life;

/* What the driver is asked about a task. */
typedef enum Call {
        CALL_START,
        CALL_RECOVER,
        CALL_STOP,
        CALL_DESTROY,
        _CALL_MAX,
        CALL_NONE = _CALL_MAX,
} Call;

struct Member {
        Life life;
        Kind kind;
        Job *job;
        int wanted; /* the code of one that is ENDING */

        ClientCall *call; /* the one that is open, except for WaitTask */
        Call asked;       /* which that is */
        ClientCall *wait; /* WaitTask */
        bool known;       /* the driver that runs now started or recovered it */
        bool stop_asked, stop_answered;
        bool ended; /* and WaitTask told these: */
        int code, signal;

        bool struck;        /* something of the host was struck in its life */
        bool given_up;      /* destroyed while it started and the driver was killed */
        unsigned n_ids;     /* starts that were refused, each of which cost an id */
        unsigned n_refused; /* calls refused since the last one that was not */
};

/* Makes a task of a random kind in an empty place. */
void member_begin(const Crowd *crowd, Member *member);

/* From now on it is to be destroyed. */
void member_destroy(Member *member);

/* Makes the call that the task needs next, if it needs one. */
void member_ask(Crowd *crowd, Member *member);

/* Takes the answer of the call that is open. Return: whether there was a call, and so may be another. */
bool member_hear(Crowd *crowd, Member *member);

/* Return: whether WaitTask told the end within the limit. What it told is true then. */
bool member_hear_end(Crowd *crowd, Member *member, unsigned limit_msec);

/*
 * The driver was killed: its calls are over. A start that was answered before that is one to be recovered.
 * One that was not is begun again with the same id, as Nomad does; or the task is not wanted any more.
 */
void member_lose_driver(Crowd *crowd, Member *member);
