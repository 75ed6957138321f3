/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "engine/engine.h"
#include "nomad/subscribers.h"

/*
 * What the driver reports to Nomad about itself: whether it can run tasks on this host and, if not, why. It
 * sends a new fingerprint on every Fingerprint stream when something that the fingerprint depends on has
 * changed: the driver's configuration, the connection to systemd, or the programs on the host.
 */

/* The name of the driver in Nomad: jobs have driver = "nspawn". */
#define PLUGIN_NAME "nspawn"

#define FINGERPRINT_WATCHES_MAX 3

typedef struct Fingerprint {
        const DriverConfig *config;
        Engine *engine;
        Subscribers subscribers;
        sd_event_source *watches[FINGERPRINT_WATCHES_MAX];
        bool connection_known;  /* the first attempt to reach systemd is over */
        char *connection_error; /* NULL: connected */
} Fingerprint;

/* Sends a new fingerprint whenever systemd-nspawn is installed, removed or changed. */
void fingerprint_watch_host(Fingerprint *fingerprint, sd_event *event);
void fingerprint_deinit(Fingerprint *fingerprint);

/* Handles Fingerprint. The first message waits until it is known whether systemd can be reached. */
void fingerprint_subscribe(Fingerprint *fingerprint, RpcCall *call);

/* Sends a new fingerprint on every stream. */
void fingerprint_send(Fingerprint *fingerprint);

/**
 * fingerprint_set_connection() - note that systemd was reached, or why not
 * @error: NULL when it was reached
 *
 * Return: false when the error is the same as before: the engine tries to connect several times a second.
 */
bool fingerprint_set_connection(Fingerprint *fingerprint, const Error *error);
