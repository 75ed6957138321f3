/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "nomad/rpc.h"

/* The streams of one kind (fingerprints or task events) that agents hold open, newest first. */
typedef struct Subscriber {
        LIST_ENTRY(Subscriber) subscribers;
        RpcCall *call;
        void (*drained)(void *userdata);
        void *userdata;
} Subscriber;

/* A zero-initialised list is empty. */
typedef struct Subscribers {
        LIST_HEAD(, Subscriber) list;
} Subscribers;

/**
 * subscribers_add() - keep a stream until its call is closed
 * @drained:  called when the messages queued on this stream have been sent; may be NULL
 * @userdata: for @drained
 *
 * @subscribers must live as long as the call.
 */
void subscribers_add(
        Subscribers *subscribers, RpcCall *call, void (*drained)(void *userdata), void *userdata);
