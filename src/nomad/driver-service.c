/* SPDX-License-Identifier: Apache-2.0 */

#include "base.pb-c.h"
#include "base/string.h"
#include "nomad/driver-service.h"
#include "nomad/driver.h"
#include "nomad/msgpack.h"
#include "nomad/schema.h"
#include "task/driver-config.h"

#define PLUGIN_API_VERSION "v0.1.0"

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

/* Takes over the configuration, and what Nomad says about the host's processors. */
static int plugin_configure(Plugin *plugin, const Base__SetConfigRequest *request, Error **ret_error) {
        _cleanup_value_ Value *value = NULL;
        DriverConfig config = {};
        int r = 0;

        if (request->msgpack_config.len > 0)
                r = msgpack_to_value(
                        request->msgpack_config.data, request->msgpack_config.len, &value, ret_error);
        if (r >= 0)
                r = driver_config_decode(value, &config, ret_error);
        if (r < 0)
                return r;

        plugin->config = config;
        if (request->nomad_config && request->nomad_config->driver &&
                compute_from_topology(request->nomad_config->driver->topology, &plugin->compute))
                plugin->compute_known = true;
        fingerprint_send(&plugin->fingerprint);
        return 0;
}

/* Nomad calls this many times, also in processes that run beside the one that owns the tasks. */
static void on_set_config(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Base__SetConfigRequest *request = (const Base__SetConfigRequest *) message;
        Base__SetConfigResponse reply = BASE__SET_CONFIG_RESPONSE__INIT;
        _cleanup_error_ Error *error = NULL;
        Plugin *plugin = userdata;

        if (plugin_configure(plugin, request, &error) < 0) {
                rpc_call_fail(call, GRPC_STATUS_INVALID_ARGUMENT, error_message(error), false);
                return;
        }

        /*
         * Nomad sends its own configuration only to the process that is to run tasks. Agents before 2.0.4
         * give no clearer sign of that. Newer agents call Init some milliseconds later, which then finds
         * that the plugin has begun already.
         */
        if (request->nomad_config)
                plugin_begin(plugin);
        rpc_call_reply(call, &reply.base);
}

/*
 * Nomad (2.0.4 and newer) calls this in the process that is to run tasks, and again when a restarted agent
 * comes back to that process. The agent kills a plugin that fails here
 * (client/pluginmanager/drivermanager/instance.go, dispense()).
 */
static void on_init(RpcCall *call, const ProtobufCMessage *request _unused_, void *userdata) {
        Driver__InitResponse reply = DRIVER__INIT_RESPONSE__INIT;

        plugin_begin(userdata);
        rpc_call_reply(call, &reply.base);
}

/*
 * Nomad (2.0.4 and newer) calls this when its agent ends. It waits 2 s for the answer, and then asks the
 * process to exit, through GRPCController (client/pluginmanager/drivermanager/instance.go, cleanup()).
 */
static void on_shutdown(RpcCall *call, const ProtobufCMessage *request _unused_, void *userdata) {
        Driver__ShutdownResponse reply = DRIVER__SHUTDOWN_RESPONSE__INIT;

        plugin_end(userdata);
        rpc_call_reply(call, &reply.base);
}

static void on_task_config_schema(
        RpcCall *call, const ProtobufCMessage *request _unused_, void *userdata _unused_) {
        Driver__TaskConfigSchemaResponse reply = DRIVER__TASK_CONFIG_SCHEMA_RESPONSE__INIT;

        reply.spec = schema_new(OPTION_IN_JOB);
        rpc_call_reply(call, &reply.base);
        hcl__spec__free_unpacked(reply.spec, NULL);
}

void driver_capabilities_fill(const DriverConfig *config, Driver__DriverCapabilities *ret) {
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

        driver_capabilities_fill(&plugin->config, &capabilities);
        reply.capabilities = &capabilities;
        rpc_call_reply(call, &reply.base);
}

static void on_fingerprint(RpcCall *call, const ProtobufCMessage *request _unused_, void *userdata) {
        fingerprint_subscribe(&((Plugin *) userdata)->fingerprint, call);
}

static void on_task_events(RpcCall *call, const ProtobufCMessage *request _unused_, void *userdata) {
        events_subscribe(&((Plugin *) userdata)->events, call);
}

static const RpcMethod base_methods[] = {
        { "PluginInfo", RPC_UNARY, on_plugin_info },
        { "ConfigSchema", RPC_UNARY, on_config_schema },
        { "SetConfig", RPC_UNARY, on_set_config },
};

static const RpcMethod driver_methods[] = {
        { "Init", RPC_UNARY, on_init },
        { "TaskConfigSchema", RPC_UNARY, on_task_config_schema },
        { "Capabilities", RPC_UNARY, on_capabilities },
        { "Fingerprint", RPC_SERVER_STREAM, on_fingerprint },
        { "RecoverTask", RPC_UNARY, driver_on_recover_task },
        { "StartTask", RPC_UNARY, driver_on_start_task },
        { "WaitTask", RPC_UNARY, driver_on_wait_task },
        { "StopTask", RPC_UNARY, driver_on_stop_task },
        { "DestroyTask", RPC_UNARY, driver_on_destroy_task },
        { "InspectTask", RPC_UNARY, driver_on_inspect_task },
        { "TaskStats", RPC_SERVER_STREAM, driver_on_task_stats },
        { "TaskEvents", RPC_SERVER_STREAM, on_task_events },
        { "Shutdown", RPC_UNARY, on_shutdown },
        { "SignalTask", RPC_UNARY, driver_on_signal_task },
        { "ExecTask", RPC_UNARY, driver_on_exec_task },
        { "ExecTaskStreaming", RPC_BIDI, driver_on_exec_task_streaming },
        { "CreateNetwork", RPC_UNARY, NULL },
        { "DestroyNetwork", RPC_UNARY, NULL },
};

void driver_services_fill(Plugin *plugin, RpcService rows[static DRIVER_SERVICES]) {
        rows[0] = (RpcService){ &base__base_plugin__descriptor, base_methods, ELEMENTSOF(base_methods),
                plugin };
        rows[1] = (RpcService){ &driver__driver__descriptor, driver_methods, ELEMENTSOF(driver_methods),
                plugin };
}
