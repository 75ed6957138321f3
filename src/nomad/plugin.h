/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "driver.pb-c.h"
#include "engine/engine.h"
#include "nomad/compute.h"
#include "nomad/rpc.h"

/*
 * The plugin as a whole: what Nomad configured, who listens to it, and the engine that does the work.
 */

#define PLUGIN_NAME "nspawn"
#define PLUGIN_API_VERSION "v0.1.0"

/* A stream that Nomad holds open. */
typedef struct PluginListener {
        LIST_ENTRY(PluginListener) listeners;
        struct Plugin *plugin;
        RpcCall *call;
} PluginListener;

/* What Nomad knows of a task and the engine does not. */
typedef struct DriverTask {
        LIST_ENTRY(DriverTask) tasks;
        char *id;
        char *name;
        char *alloc_id;
} DriverTask;

/* A task of a node whose client state is lost, orphans.c. */
typedef struct Orphan Orphan;

/* Most events that wait for a reader: an agent that is away for long reads the newest of them. */
#define BACKLOG_MAX 1024

typedef struct Plugin {
        sd_event *event;
        Engine *engine;
        DriverConfig config;
        Compute compute;
        bool compute_known;      /* looked for, or told by Nomad */
        const char *cgroup_root; /* where control groups are; NULL for the host's */
        bool in_use;             /* not just looked at */

        bool connection_known; /* the first attempt to reach systemd is over */
        char *connection_error;
        sd_event_source *watches[3];
        LIST_HEAD(, PluginListener) fingerprints;
        LIST_HEAD(, PluginListener) events;
        Driver__DriverTaskEvent *backlog[BACKLOG_MAX]; /* a ring */
        size_t backlog_first, n_backlog;
        LIST_HEAD(, DriverTask) tasks;
        char *node; /* that the agent is, when it is known where it has its client state */
        LIST_HEAD(, Orphan) orphans;
        sd_event_source *orphan_timer;
} Plugin;

/**
 * plugin_init() - set up a plugin
 * @image_directory: what relative images are relative to
 *
 * Touches nothing on the host: Nomad starts plugins for a look at them beside one that owns tasks.
 */
void plugin_init(Plugin *plugin, sd_event *event, const char *image_directory);
void plugin_deinit(Plugin *plugin);

#define PLUGIN_SERVICES 2
void plugin_fill_services(Plugin *plugin, RpcService rows[static PLUGIN_SERVICES]);

/* What Nomad may ask of the driver; @ret borrows. */
void plugin_fill_capabilities(const DriverConfig *config, Driver__DriverCapabilities *ret);

/* fingerprint.c: the handler; tells every listener anew; watches what can change. */
void plugin_on_fingerprint(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void plugin_send_fingerprint(Plugin *plugin);
void plugin_watch_host(Plugin *plugin);

/* events.c: the handler; an event, which waits until a stream takes it; those that wait go out, or away. */
void plugin_on_task_events(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void plugin_send_event(
        Plugin *plugin, const DriverTask *task, const char *message, const char *const *annotations);

/* stats.c: the handler; finds out what a core is worth, unless that is known. */
void driver_on_task_stats(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void plugin_find_compute(Plugin *plugin);

/* orphans.c: notes where the node of @agent has its client state, and looks for tasks of lost nodes. */
void plugin_find_orphans(Plugin *plugin, pid_t agent);
void plugin_drop_orphans(Plugin *plugin);

void plugin_flush_events(Plugin *plugin);
void plugin_drop_events(Plugin *plugin);

/* listener helpers, plugin.c */
void plugin_listen(RpcCall *call, Plugin *plugin, bool to_events);
DriverTask *plugin_find_task(Plugin *plugin, const char *id);
DriverTask *plugin_add_task(Plugin *plugin, const char *id, const char *name, const char *alloc_id);
void plugin_remove_task(DriverTask *task);

/* The conventional text (Nomad, plugins/drivers/errors.go). */
#define TASK_NOT_FOUND "task not found for given id"

/* Rows of the Driver service that do the work; driver-start.c, driver-task.c and driver-destroy.c. */
void driver_on_start_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void driver_on_recover_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void driver_on_wait_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void driver_on_stop_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void driver_on_destroy_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void driver_on_signal_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void driver_on_inspect_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);

/* driver-exec.c: commands beside the task's own. */
void driver_on_exec_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void driver_on_exec_task_streaming(RpcCall *call, const ProtobufCMessage *request, void *userdata);
