/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/fd.h"
#include "base/string.h"
#include "driver.pb-c.h"
#include "nomad/log.h"
#include "nomad/driver.h"
#include "nomad/plugin.h"
#include "nomad/task-config.h"

/* Must be raised when driver_state changes so that an older driver would misread it. Nomad itself uses 0. */
#define HANDLE_VERSION 1

/* A StartTask or RecoverTask call that is not answered yet. */
typedef struct StartCall {
        Plugin *plugin;
        RpcCall *call; /* NULL once Nomad gave up on it */
        Driver__TaskConfig *config;
        DriverTask *task;
} StartCall;

static void on_start_call_close(RpcCall *call _unused_, bool cancelled _unused_, void *userdata) {
        StartCall *start = userdata;

        start->call = NULL;
}

static const RpcCallbacks start_call_callbacks = { .on_close = on_start_call_close };

/* Nomad wants the whole config back in the answer, and the request that has it is freed before that. */
static Driver__TaskConfig *copy_config(const Driver__TaskConfig *config) {
        size_t size = driver__task_config__get_packed_size(config);
        _cleanup_free_ uint8_t *bytes = xcalloc(size, 1);

        (void) driver__task_config__pack(config, bytes);
        return driver__task_config__unpack(NULL, size, bytes);
}

static StartCall *start_call_new(RpcCall *call, Plugin *plugin, const Driver__TaskConfig *config) {
        StartCall *start = xnew(StartCall, 1);

        start->plugin = plugin;
        start->call = call;
        start->config = copy_config(config);
        start->task = driver_tasks_add(&plugin->tasks, config->id, config->name, config->alloc_id);
        rpc_call_set_callbacks(call, &start_call_callbacks, start);
        return start;
}

static void start_call_free(StartCall *start) {
        if (start->call)
                rpc_call_set_callbacks(start->call, NULL, NULL);
        driver__task_config__free_unpacked(start->config, NULL);
        free(start);
}

/*
 * Return: whether Nomad should try again under the job's restart policy. That may help when another task has
 * the name, when the connection to systemd was lost, and when the unit took too long, was killed or lacked a
 * resource (EIO). It does not help against a mistake in the job (EINVAL and others), or when the container
 * ended by itself (ENOEXEC), for example because its command does not exist.
 */
static bool is_recoverable(const Error *error) {
        static const int codes[] = { EAGAIN, ECONNRESET, EEXIST, EIO, ENOBUFS, ENOTCONN, EPIPE, ETIMEDOUT };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (error->code == codes[i])
                        return true;
        return false;
}

static void start_call_fail(StartCall *start, const Error *error) {
        log_warn("task did not start", "task_id", start->config->id, "error", error_message(error));
        if (start->call)
                rpc_call_fail(start->call, GRPC_STATUS_FAILED_PRECONDITION, error_message(error),
                        is_recoverable(error));
        driver_task_free(start->task);
        start_call_free(start);
}

static void on_started(void *userdata, Task *task, const Error *error) {
        StartCall *start = userdata;

        if (!task) {
                start_call_fail(start, error);
                return;
        }

        _cleanup_free_ char *state = task_record_write(task_record(task));
        Driver__StartTaskResponse reply = DRIVER__START_TASK_RESPONSE__INIT;
        Driver__TaskHandle handle = DRIVER__TASK_HANDLE__INIT;

        handle.version = HANDLE_VERSION;
        handle.config = start->config;
        handle.state = DRIVER__TASK_STATE__RUNNING;
        handle.driver_state.data = (uint8_t *) state;
        handle.driver_state.len = strlen(state);
        reply.result = DRIVER__START_TASK_RESPONSE__RESULT__SUCCESS;
        reply.handle = &handle;
        if (start->call)
                rpc_call_reply(start->call, &reply.base);
        start_call_free(start);
}

static int start_task(StartCall *start, Error **ret_error) {
        TaskStreams streams = { -1, -1 };
        TaskRequest *request = NULL;
        int r;

        if (!start->plugin->config.enabled)
                return error_set(ret_error, EPERM, "the driver is disabled by its option enabled");

        r = task_config_to_request(start->config, &start->plugin->config, &request, ret_error);
        if (r < 0)
                return r;

        r = task_config_open_streams(start->config, &start->plugin->config, &streams, ret_error);
        if (r < 0) {
                task_request_free(request);
                return r;
        }

        r = engine_start(
                start->plugin->engine, start->config->id, request, &streams, on_started, start, ret_error);
        fd_close(streams.output);
        fd_close(streams.error);
        return r;
}

void driver_on_start_task(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Driver__StartTaskRequest *request = (const Driver__StartTaskRequest *) message;
        _cleanup_error_ Error *error = NULL;
        Plugin *plugin = userdata;

        if (!request->task || string_is_empty(request->task->id) || string_is_empty(request->task->name)) {
                rpc_call_fail(call, GRPC_STATUS_INVALID_ARGUMENT, "the request names no task", false);
                return;
        }
        if (driver_tasks_find(&plugin->tasks, request->task->id)) {
                rpc_call_fail(call, GRPC_STATUS_ALREADY_EXISTS, "the task was started already", false);
                return;
        }

        StartCall *start = start_call_new(call, plugin, request->task);
        if (start_task(start, &error) < 0)
                start_call_fail(start, error);
}

static void on_recovered(void *userdata, Task *task, const Error *error) {
        Driver__RecoverTaskResponse reply = DRIVER__RECOVER_TASK_RESPONSE__INIT;
        StartCall *start = userdata;

        if (!task) {
                start_call_fail(start, error);
                return;
        }

        log_info("task recovered", "task_id", task_id(task), "unit", task_record(task)->unit);
        if (start->call)
                rpc_call_reply(start->call, &reply.base);
        start_call_free(start);
}

static int recover_task(StartCall *start, const Driver__TaskHandle *handle, Error **ret_error) {
        _cleanup_task_record_ TaskRecord record = {};
        int r;

        if (handle->version > HANDLE_VERSION)
                return error_set(ret_error, EPROTONOSUPPORT,
                        "the task was started by a newer driver (handle version %d, this one knows %d)",
                        handle->version, HANDLE_VERSION);

        r = task_record_read(
                (const char *) handle->driver_state.data, handle->driver_state.len, &record, ret_error);
        if (r < 0)
                return r;
        return engine_recover(
                start->plugin->engine, start->config->id, &record, on_recovered, start, ret_error);
}

void driver_on_recover_task(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Driver__RecoverTaskRequest *request = (const Driver__RecoverTaskRequest *) message;
        Driver__RecoverTaskResponse reply = DRIVER__RECOVER_TASK_RESPONSE__INIT;
        const Driver__TaskHandle *handle = request->handle;
        _cleanup_error_ Error *error = NULL;
        Plugin *plugin = userdata;

        if (!handle || !handle->config || string_is_empty(handle->config->id)) {
                rpc_call_fail(call, GRPC_STATUS_INVALID_ARGUMENT, "the handle names no task", false);
                return;
        }

        /* When only the agent was restarted, this process still has the task. */
        if (driver_tasks_find(&plugin->tasks, handle->config->id)) {
                rpc_call_reply(call, &reply.base);
                return;
        }

        StartCall *start = start_call_new(call, plugin, handle->config);
        if (recover_task(start, handle, &error) < 0)
                start_call_fail(start, error);
}
