/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "bus/system-bus.h"
#include "exec/scope.h"

#define SCOPE_BOX_NAME "exec-1.scope"
#define SCOPE_BOX_JOB SYSTEMD_PATH "/job/7"
#define SCOPE_BOX_OTHER_JOB SYSTEMD_PATH "/job/8"

/* What the systemd in the container does with a call of StartTransientUnit. */
typedef enum ScopePeerWay {
        SCOPE_PEER_MAKES_IT,
        SCOPE_PEER_TELLS_FIRST,   /* of the job's end, and answers then */
        SCOPE_PEER_ANSWERS,       /* and the job does not end */
        SCOPE_PEER_ANSWERS_WORDS, /* and no job */
        SCOPE_PEER_REFUSES,
        SCOPE_PEER_IS_SILENT,
        SCOPE_PEER_CLOSES,
        SCOPE_PEER_CLOSES_WHEN_ASKED, /* what it knows */
        SCOPE_PEER_IS_SILENT_WHEN_ASKED,
} ScopePeerWay;

/*
 * A scope that is asked for, and who is asked: a D-Bus server as a systemd's, in the same event loop, or
 * bytes.
 */
typedef struct ScopeBox {
        sd_event *event;
        int n_descriptors;

        sd_bus *peer; /* NULL for one that is no D-Bus server */
        int raw;      /* its descriptor then */
        ScopePeerWay way;
        const char *oom_policy; /* NULL: it knows of none */
        const char *result;
        const char *words;
        sd_bus_message *call;
        unsigned n_answers; /* to what the peer called */
        unsigned n_calls;

        Scope *scope;
        bool frees; /* in the callback */
        unsigned n_done;
        int code;
        char *error;
} ScopeBox;

/* Opens the box and asks a peer that is a D-Bus server, with FAKE_LIMIT_USEC of time or with @limit_usec. */
void scope_box_open(ScopeBox *box, ScopePeerWay way);
void scope_box_open_for(ScopeBox *box, ScopePeerWay way, uint64_t limit_usec);

/* Opens the box and asks a peer that is whoever writes to box->raw. */
void scope_box_open_raw(ScopeBox *box, uint64_t limit_usec);

/* The test fails when a descriptor is left that was not there when the box was opened. */
void scope_box_close(ScopeBox *box);
#define _cleanup_scope_box_ _cleanup_(scope_box_close)

/* Makes a box without a peer, for tests that have a peer of their own. */
void scope_box_prepare(ScopeBox *box);

/* Makes a D-Bus server on @fd, which it then owns, as systemd does for a private connection. */
void scope_box_serve(ScopeBox *box, int fd);

/* Asks the peer at the other end of @fd, which the scope then owns. */
void scope_box_ask(ScopeBox *box, int fd, uint64_t limit_usec);

/* The callback of the scope; @userdata is the box. */
void scope_box_on_done(void *userdata, const Error *error);

/* Sends the signal JobRemoved, in vain when nobody listens any more. */
void scope_box_tell_removed(ScopeBox *box, const char *job, const char *unit, const char *result);

/* Waits until the scope is done. The test fails unless it was with this code and, if given, these words. */
void scope_box_expect(ScopeBox *box, int code, const char *words);

/* Runs the loop for what is under way: all takes place in this process. */
void scope_box_settle(ScopeBox *box);

/* Return: how many descriptors this process has open. */
int scope_box_count_descriptors(void);
