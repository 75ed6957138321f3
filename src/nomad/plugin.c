/* SPDX-License-Identifier: Apache-2.0 */

#include <unistd.h>

#include "base/string.h"
#include "nomad/handshake.h"
#include "nomad/log.h"
#include "nomad/plugin.h"
#include "task/driver-config.h"

static void on_connection(void *userdata, const Error *error) {
        Plugin *plugin = userdata;

        if (!fingerprint_set_connection(&plugin->fingerprint, error))
                return;
        if (error)
                log_warn("no connection to systemd", "error", error_message(error));
        else
                log_debug("connected to systemd");
}

static void on_engine_event(
        void *userdata, Task *task, const char *message, const char *const *annotations) {
        Plugin *plugin = userdata;
        const DriverTask *driver_task = driver_tasks_find(&plugin->tasks, task_id(task));

        log_info(message, "task_id", task_id(task));
        if (driver_task)
                events_send(&plugin->events, driver_task, message, annotations);
}

static const EngineCallbacks engine_callbacks = {
        .on_connection = on_connection,
        .on_event = on_engine_event,
};

void plugin_init_on(Plugin *plugin, sd_event *event, Engine *engine) {
        *plugin = (Plugin){
                .event = event,
                .engine = engine,
                .socket_directory = HANDSHAKE_DIRECTORY,
                .fingerprint = { .config = &plugin->config, .engine = engine },
                .orphans = { .event = event, .engine = engine },
        };
        (void) driver_config_decode(NULL, &plugin->config, NULL);
}

void plugin_init(Plugin *plugin, sd_event *event, const char *image_directory) {
        plugin_init_on(plugin, event,
                engine_new(event,
                        &(EngineConfig){ .image_directory = image_directory, .role = ENGINE_DRIVER },
                        &engine_callbacks, plugin));
        fingerprint_watch_host(&plugin->fingerprint, event);
}

void plugin_deinit(Plugin *plugin) {
        plugin->sweep = sweep_free(plugin->sweep);
        plugin->engine = engine_free(plugin->engine);
        driver_tasks_clear(&plugin->tasks);
        orphans_deinit(&plugin->orphans);
        events_clear(&plugin->events);
        fingerprint_deinit(&plugin->fingerprint);
}

static void on_swept(void *userdata _unused_, const char *machine) {
        log_info("removed what the start of a task had left that was killed", "machine", machine);
}

void plugin_begin(Plugin *plugin) {
        if (plugin->in_use)
                return;

        plugin->in_use = true;
        handshake_sweep(plugin->socket_directory);
        orphans_find(&plugin->orphans, getppid(), plugin->config.orphan_timeout_usec);
        plugin->sweep = sweep_new(plugin->engine, SWEEP_AGE_USEC, on_swept, NULL);
}

void plugin_end(Plugin *plugin) {
        plugin->in_use = false;
        plugin->sweep = sweep_free(plugin->sweep);
        orphans_drop(&plugin->orphans);
}

void plugin_find_compute(Plugin *plugin) {
        long n_cores = sysconf(_SC_NPROCESSORS_ONLN);

        if (!plugin->compute_known)
                compute_from_host("", n_cores > 0 ? (unsigned) n_cores : 1, &plugin->compute);
        plugin->compute_known = true;
}
