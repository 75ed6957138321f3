/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>

#include "box/engine-box.h"
#include "box/group-box.h"
#include "client.h"
#include "nomad/driver-service.h"
#include "nomad/server.h"

#define SERVICE_BOX_DRIVER "/hashicorp.nomad.plugins.drivers.proto.Driver/"
#define SERVICE_BOX_BASE "/hashicorp.nomad.plugins.base.proto.BasePlugin/"

/* Longest wait of the client for anything that should happen. */
#define SERVICE_BOX_LIMIT_MSEC 20000

/*
 * The plugin's service on an engine that runs on a fake systemd, with a fake control group. The loop takes
 * turns: it runs in a thread of its own while the test is the client, and in the test's thread otherwise.
 */
typedef struct ServiceBox {
        EngineBox engine;
        GroupBox groups; /* where the group of the task is that the fake systemd names */
        Plugin plugin;
        RpcService rows[DRIVER_SERVICES];
        Server *server;
        Client *client;
        char *socket;
        pthread_t thread;
        int stop;
        bool stopped;
} ServiceBox;

/* Opens a box with a task that runs, and whose id is "one". */
void service_box_open(ServiceBox *box);

/* Opens a box whose task has another id. @seams: as for engine_box_open_with() */
void service_box_open_with(ServiceBox *box, const char *id, const EngineConfig *seams);

/* Closes a box whose loop does not run in its thread, as it is after service_box_end(). */
void service_box_close(ServiceBox *box);
#define _cleanup_service_box_ _cleanup_(service_box_close)

/* Runs the loop in its thread. Until service_box_end() the test may only be the client. */
void service_box_begin(ServiceBox *box);

/* Ends the thread of the loop. What the test does next in the loop runs in its own thread. */
void service_box_end(ServiceBox *box);
