/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <unistd.h>

#include "base.pb-c.h"
#include "base/string.h"
#include "driver.pb-c.h"
#include "nomad/handshake.h"
#include "nomad/log.h"
#include "nomad/msgpack.h"
#include "nomad/plugin.h"
#include "nomad/schema.h"
#include "task/option.h"

static void on_listener_close(RpcCall *call _unused_, bool cancelled _unused_, void *userdata) {
        PluginListener *listener = userdata;

        LIST_REMOVE(listener, listeners);
        free(listener);
}

static void on_listener_drain(RpcCall *call _unused_, void *userdata) {
        const PluginListener *listener = userdata;

        plugin_flush_events(listener->plugin);
}

static const RpcCallbacks listener_callbacks = {
        .on_drain = on_listener_drain,
        .on_close = on_listener_close,
};

void plugin_listen(RpcCall *call, Plugin *plugin, bool to_events) {
        PluginListener *listener = xnew(PluginListener, 1);

        listener->plugin = plugin;
        listener->call = call;
        if (to_events)
                LIST_INSERT_HEAD(&plugin->events, listener, listeners);
        else
                LIST_INSERT_HEAD(&plugin->fingerprints, listener, listeners);
        rpc_call_set_callbacks(call, &listener_callbacks, listener);
}

DriverTask *plugin_find_task(Plugin *plugin, const char *id) {
        DriverTask *task;

        LIST_FOREACH (task, &plugin->tasks, tasks)
                if (streq(task->id, id))
                        return task;
        return NULL;
}

DriverTask *plugin_add_task(Plugin *plugin, const char *id, const char *name, const char *alloc_id) {
        DriverTask *task = xnew(DriverTask, 1);

        task->id = xstrdup(id);
        task->name = xstrdup(name);
        task->alloc_id = xstrdup(alloc_id);
        LIST_INSERT_HEAD(&plugin->tasks, task, tasks);
        return task;
}

void plugin_remove_task(DriverTask *task) {
        if (!task)
                return;

        LIST_REMOVE(task, tasks);
        free(task->id);
        free(task->name);
        free(task->alloc_id);
        free(task);
}

static void on_plugin_info(
        RpcCall *call, const ProtobufCMessage *request _unused_, void *userdata _unused_) {
        char version[] = PLUGIN_API_VERSION, name[] = PLUGIN_NAME, own[] = PROJECT_VERSION;
        char *versions[] = { version };
        Base__PluginInfoResponse reply = BASE__PLUGIN_INFO_RESPONSE__INIT;

        reply.type = BASE__PLUGIN_TYPE__DRIVER;
        reply.n_plugin_api_versions = ELEMENTSOF(versions);
        reply.plugin_api_versions = versions;
        reply.plugin_version = own;
        reply.name = name;
        rpc_call_reply(call, &reply.base);
}

static void on_config_schema(
        RpcCall *call, const ProtobufCMessage *request _unused_, void *userdata _unused_) {
        Base__ConfigSchemaResponse reply = BASE__CONFIG_SCHEMA_RESPONSE__INIT;

        reply.spec = schema_new(OPTION_IN_DRIVER);
        rpc_call_reply(call, &reply.base);
        hcl__spec__free_unpacked(reply.spec, NULL);
}

/* Called again and again, and beside an instance that owns tasks: it only remembers. */
static void on_set_config(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Base__SetConfigRequest *request = (const Base__SetConfigRequest *) message;
        Base__SetConfigResponse reply = BASE__SET_CONFIG_RESPONSE__INIT;
        _cleanup_value_ Value *value = NULL;
        _cleanup_error_ Error *error = NULL;
        Plugin *plugin = userdata;
        DriverConfig config = {};
        int r = 0;

        option_set_defaults(&config, OPTION_IN_DRIVER);
        if (request->msgpack_config.len > 0)
                r = msgpack_to_value(
                        request->msgpack_config.data, request->msgpack_config.len, &value, &error);
        if (r >= 0 && value)
                r = option_decode(&config, value, OPTION_IN_DRIVER, NULL, &error);
        if (r < 0) {
                rpc_call_fail(call, GRPC_STATUS_INVALID_ARGUMENT, error_message(error), false);
                return;
        }

        plugin->config = config;
        if (request->nomad_config && request->nomad_config->driver &&
                compute_from_topology(request->nomad_config->driver->topology, &plugin->compute))
                plugin->compute_known = true;
        /* Nomad says what it is only to the plugin it keeps. */
        if (request->nomad_config && !plugin->in_use) {
                plugin->in_use = true;
                handshake_sweep();
                plugin_find_orphans(plugin, getppid());
        }
        plugin_send_fingerprint(plugin);
        rpc_call_reply(call, &reply.base);
}

static void on_task_config_schema(
        RpcCall *call, const ProtobufCMessage *request _unused_, void *userdata _unused_) {
        Driver__TaskConfigSchemaResponse reply = DRIVER__TASK_CONFIG_SCHEMA_RESPONSE__INIT;

        reply.spec = schema_new(OPTION_IN_JOB);
        rpc_call_reply(call, &reply.base);
        hcl__spec__free_unpacked(reply.spec, NULL);
}

void plugin_fill_capabilities(const DriverConfig *config, Driver__DriverCapabilities *ret) {
        static Driver__NetworkIsolationSpec__Mode modes[] = {
                DRIVER__NETWORK_ISOLATION_SPEC__MODE__HOST,
                DRIVER__NETWORK_ISOLATION_SPEC__MODE__GROUP,
        };

        driver__driver_capabilities__init(ret);
        ret->send_signals = true;
        ret->exec = true;
        ret->fs_isolation = DRIVER__DRIVER_CAPABILITIES__FS_ISOLATION__IMAGE;
        ret->n_network_isolation_modes = ELEMENTSOF(modes);
        ret->network_isolation_modes = modes;
        ret->mount_configs = DRIVER__DRIVER_CAPABILITIES__MOUNT_CONFIGS__ANY_MOUNTS;
        ret->disable_log_collection = config->disable_log_collection;
}

static void on_capabilities(RpcCall *call, const ProtobufCMessage *request _unused_, void *userdata) {
        Driver__CapabilitiesResponse reply = DRIVER__CAPABILITIES_RESPONSE__INIT;
        Driver__DriverCapabilities capabilities;
        const Plugin *plugin = userdata;

        plugin_fill_capabilities(&plugin->config, &capabilities);
        reply.capabilities = &capabilities;
        rpc_call_reply(call, &reply.base);
}

static const RpcMethod base_methods[] = {
        { "PluginInfo", RPC_UNARY, on_plugin_info },
        { "ConfigSchema", RPC_UNARY, on_config_schema },
        { "SetConfig", RPC_UNARY, on_set_config },
};

static const RpcMethod driver_methods[] = {
        { "Init", RPC_UNARY, NULL },
        { "TaskConfigSchema", RPC_UNARY, on_task_config_schema },
        { "Capabilities", RPC_UNARY, on_capabilities },
        { "Fingerprint", RPC_SERVER_STREAM, plugin_on_fingerprint },
        { "RecoverTask", RPC_UNARY, driver_on_recover_task },
        { "StartTask", RPC_UNARY, driver_on_start_task },
        { "WaitTask", RPC_UNARY, driver_on_wait_task },
        { "StopTask", RPC_UNARY, driver_on_stop_task },
        { "DestroyTask", RPC_UNARY, driver_on_destroy_task },
        { "InspectTask", RPC_UNARY, driver_on_inspect_task },
        { "TaskStats", RPC_SERVER_STREAM, driver_on_task_stats },
        { "TaskEvents", RPC_SERVER_STREAM, plugin_on_task_events },
        { "Shutdown", RPC_UNARY, NULL },
        { "SignalTask", RPC_UNARY, driver_on_signal_task },
        { "ExecTask", RPC_UNARY, driver_on_exec_task },
        { "ExecTaskStreaming", RPC_BIDI, driver_on_exec_task_streaming },
        { "CreateNetwork", RPC_UNARY, NULL },
        { "DestroyNetwork", RPC_UNARY, NULL },
};

void plugin_fill_services(Plugin *plugin, RpcService rows[static PLUGIN_SERVICES]) {
        rows[0] = (RpcService){ &base__base_plugin__descriptor, base_methods, ELEMENTSOF(base_methods),
                plugin };
        rows[1] = (RpcService){ &driver__driver__descriptor, driver_methods, ELEMENTSOF(driver_methods),
                plugin };
}

static void on_connection(void *userdata, const Error *error) {
        Plugin *plugin = userdata;

        /* It is tried again several times a second. */
        if (error && streq_null(plugin->connection_error, error_message(error)))
                return;

        if (error)
                log_warn("no connection to systemd", "error", error_message(error));
        else
                log_debug("connected to systemd");

        plugin->connection_known = true;
        string_replace(&plugin->connection_error, error ? error_message(error) : NULL);
        plugin_send_fingerprint(plugin);
}

static void on_engine_event(
        void *userdata, Task *task, const char *message, const char *const *annotations) {
        Plugin *plugin = userdata;
        const DriverTask *driver_task = plugin_find_task(plugin, task_id(task));

        log_info(message, "task_id", task_id(task));
        if (driver_task)
                plugin_send_event(plugin, driver_task, message, annotations);
}

static const EngineCallbacks engine_callbacks = {
        .on_connection = on_connection,
        .on_event = on_engine_event,
};

void plugin_init(Plugin *plugin, sd_event *event, const char *image_directory) {
        *plugin = (Plugin){ .event = event };
        option_set_defaults(&plugin->config, OPTION_IN_DRIVER);
        LIST_INIT(&plugin->fingerprints);
        LIST_INIT(&plugin->events);
        LIST_INIT(&plugin->tasks);
        LIST_INIT(&plugin->orphans);
        plugin->engine = engine_new(event,
                &(EngineConfig){ .image_directory = image_directory, .ledgers = true, .adopts = true },
                &engine_callbacks, plugin);
        plugin_watch_host(plugin);
}

void plugin_deinit(Plugin *plugin) {
        plugin->engine = engine_free(plugin->engine);
        for (DriverTask *task = LIST_FIRST(&plugin->tasks), *next; task; task = next) {
                next = LIST_NEXT(task, tasks);
                plugin_remove_task(task);
        }
        plugin_drop_orphans(plugin);
        free(plugin->node);
        plugin_drop_events(plugin);
        for (size_t i = 0; i < ELEMENTSOF(plugin->watches); i++)
                plugin->watches[i] = sd_event_source_disable_unref(plugin->watches[i]);
        free(plugin->connection_error);
}
