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
        const char *socket_directory; /* where killed plugins may have left sockets */
        bool in_use;                  /* an agent has configured this process to run tasks */
        DriverTasks tasks;
        Events events;
        Fingerprint fingerprint;
        Orphans orphans;
        Sweep *sweep; /* NULL unless the plugin is in use */
} Plugin;

/**
 * plugin_init() - set up a plugin
 * @image_directory: where relative images are
 *
 * Changes nothing on the host: Nomad also starts plugins just to look at them, beside one that owns tasks.
 */
void plugin_init(Plugin *plugin, sd_event *event, const char *image_directory);

/* As plugin_init(), with an engine that the caller made; plugin_deinit() frees it. */
void plugin_init_on(Plugin *plugin, sd_event *event, Engine *engine);

void plugin_deinit(Plugin *plugin);

/**
 * plugin_begin() - note that an agent begins to use this process
 *
 * Removes the sockets that killed plugins and the leftovers that killed starts have left, looks for tasks of
 * lost nodes, and sets the timer that ends those. Does nothing when the plugin is in use already.
 */
void plugin_begin(Plugin *plugin);

/*
 * Notes that the agent will stop this process, and never come back to it. Ends the search for leftovers and
 * the timer that ends tasks of lost nodes. Tasks run on, and calls are answered as before.
 */
void plugin_end(Plugin *plugin);

/* Fills in Plugin.compute, unless it is known already. */
void plugin_find_compute(Plugin *plugin);
