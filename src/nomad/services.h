/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include "nomad/rpc.h"

/* The services that go-plugin expects of every plugin, besides the plugin's own. */
typedef struct Services {
        /*
         * The agent wants this process to exit. The process must do so within a second, and leave the tasks
         * alone. Called once, when the agent has its answer.
         */
        void (*on_shutdown)(void *userdata);
        void *userdata;

        bool shut_down; /* private: on_shutdown() was called */
} Services;

#define SERVICES_ROWS 4

/**
 * services_fill() - write the rows of these services
 * @rows:     room for SERVICES_ROWS of them
 * @services: must live as long as the server
 */
void services_fill(Services *services, RpcService rows[static SERVICES_ROWS]);
