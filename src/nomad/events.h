/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "driver.pb-c.h"
#include "nomad/driver-tasks.h"
#include "nomad/subscribers.h"

/*
 * Task events on their way to Nomad. An event waits here until a TaskEvents stream has room for it. While no
 * agent reads, the newest EVENTS_MAX events are kept and older ones are dropped with a log line each.
 */
#define EVENTS_MAX 1024

/* A zero-initialised struct has no events and no streams. */
typedef struct Events {
        Subscribers subscribers;
        Driver__DriverTaskEvent *waiting[EVENTS_MAX]; /* a ring */
        size_t first, n_waiting;
} Events;

/* Handles TaskEvents: the stream gets the waiting events, and new ones from now on. */
void events_subscribe(Events *events, RpcCall *call);

/**
 * events_send() - queue an event and send what the newest stream has room for
 * @annotations: key, value, ..., NULL; may be NULL
 */
void events_send(
        Events *events, const DriverTask *task, const char *message, const char *const *annotations);

/* Discards the waiting events. */
void events_clear(Events *events);
