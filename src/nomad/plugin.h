/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/sweep.h"
#include "nomad/compute.h"
#include "nomad/driver-tasks.h"
#include "nomad/events.h"
#include "nomad/fingerprint.h"
#include "nomad/orphans.h"

/*
 * The state of the plugin: the configuration that Nomad sent, the engine that does the work, and the parts
 * of the driver, each of which has a header of its own and knows nothing of this one. The handlers of calls
 * (driver.h, driver-service.h) work on this state.
 */
typedef struct Plugin {
        sd_event *event;
        Engine *engine;
        DriverConfig config;
        Compute compute;
        bool compute_known;           /* measured, or sent by Nomad */
        const char *cgroup_root;      /* where control groups are; NULL for the host's */
        const char *socket_directory; /* where plugins that were killed leave sockets */
        bool in_use;                  /* an agent has configured this process to run tasks */
        DriverTasks tasks;
        Events events;
        Fingerprint fingerprint;
        Orphans orphans;
        Sweep *sweep; /* while the plugin is in use */
} Plugin;

/**
 * plugin_init() - set up a plugin
 * @image_directory: what relative images are relative to
 *
 * Touches nothing on the host: Nomad also starts plugins only to look at them, beside one that owns tasks.
 */
void plugin_init(Plugin *plugin, sd_event *event, const char *image_directory);

/* As plugin_init(), on an engine of the caller's, which plugin_deinit() frees all the same. */
void plugin_init_on(Plugin *plugin, sd_event *event, Engine *engine);

void plugin_deinit(Plugin *plugin);

/**
 * plugin_begin() - an agent begins to use this process
 *
 * Removes sockets of plugins and leavings of starts that were killed, looks for tasks of lost nodes, and
 * sets the timer after which they are ended. Does nothing when the plugin is in use already.
 */
void plugin_begin(Plugin *plugin);

/*
 * The agent will stop this process, and never come back to it: looks for nothing and runs no timers any
 * more. Tasks run on, and calls are answered as before.
 */
void plugin_end(Plugin *plugin);

/* Finds out what a core is worth, unless that is known. */
void plugin_find_compute(Plugin *plugin);
