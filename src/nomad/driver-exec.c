/* SPDX-License-Identifier: Apache-2.0 */

#include <time.h>

#include "base/string.h"
#include "nomad/driver.h"
#include "nomad/exec-call.h"
#include "nomad/plugin.h"
#include "nomad/time.h"

/* ExecTask: runs a command in a task, and answers when the command has ended. */

/* Most output of a command, both streams together. The driver keeps all of it until the command ends. */
#define OUTPUT_MAX_MIB 64
#define OUTPUT_MAX ((size_t) OUTPUT_MAX_MIB * 1024 * 1024)

/* An ExecTask call, which Nomad makes for script checks and the like. once_on_close() frees it. */
typedef struct ExecOnce {
        RpcCall *call; /* valid as long as this struct */
        Exec *exec;
        sd_event_source *timer;
        uint64_t timeout_usec;
        StringBuffer output[_EXEC_STREAM_MAX];
} ExecOnce;

static void once_fail(ExecOnce *once, grpc_status_code code, const char *words) {
        once->timer = sd_event_source_disable_unref(once->timer);
        rpc_call_fail(once->call, code, words, false);
        once->exec = exec_free(once->exec);
}

static void once_on_output(void *userdata, ExecStream stream, const void *bytes, size_t n) {
        ExecOnce *once = userdata;

        if (n > OUTPUT_MAX - once->output[EXEC_OUTPUT].length - once->output[EXEC_ERROR].length) {
                _cleanup_free_ char *words = xasprintf(
                        "the command wrote more than %d MiB and was killed", OUTPUT_MAX_MIB);

                once_fail(once, GRPC_STATUS_RESOURCE_EXHAUSTED, words);
                return;
        }
        string_buffer_append_bytes(&once->output[stream], bytes, n);
}

/* Nothing to do: the command gets no input. */
static void once_on_drain(void *userdata _unused_) {
}

static ProtobufCBinaryData bytes_of(const StringBuffer *buffer) {
        return (ProtobufCBinaryData){ .data = (uint8_t *) buffer->text, .len = buffer->length };
}

static void once_on_end(void *userdata, const ExecResult *result, const Error *error) {
        Driver__ExecTaskResponse reply = DRIVER__EXEC_TASK_RESPONSE__INIT;
        Driver__ExitResult exit_result;
        ExecOnce *once = userdata;

        if (!result) {
                once_fail(once, exec_call_status(error), error_message(error));
                return;
        }

        if (error)
                string_buffer_append(&once->output[EXEC_ERROR], "%s\n", error_message(error));
        exec_call_fill_result(&exit_result, result);
        reply.stdout = bytes_of(&once->output[EXEC_OUTPUT]);
        reply.stderr = bytes_of(&once->output[EXEC_ERROR]);
        /* Must be set: the agent uses it without a check for nil. */
        reply.result = &exit_result;
        rpc_call_reply(once->call, &reply.base);

        once->timer = sd_event_source_disable_unref(once->timer);
        once->exec = exec_free(once->exec);
        for (size_t i = 0; i < _EXEC_STREAM_MAX; i++)
                string_buffer_clear(&once->output[i]);
}

static int once_on_timeout(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        ExecOnce *once = userdata;
        _cleanup_free_ char *words = xasprintf("the command did not end within %gs and was killed",
                (double) once->timeout_usec / (double) USEC_PER_SEC);

        once_fail(once, GRPC_STATUS_DEADLINE_EXCEEDED, words);
        return 0;
}

static void once_on_close(RpcCall *call _unused_, bool cancelled _unused_, void *userdata) {
        ExecOnce *once = userdata;

        exec_free(once->exec);
        sd_event_source_disable_unref(once->timer);
        for (size_t i = 0; i < _EXEC_STREAM_MAX; i++)
                string_buffer_clear(&once->output[i]);
        free(once);
}

static const ExecCallbacks once_callbacks = {
        .on_output = once_on_output,
        .on_drain = once_on_drain,
        .on_end = once_on_end,
};
static const RpcCallbacks once_call_callbacks = { .on_close = once_on_close };

void driver_on_exec_task(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Driver__ExecTaskRequest *request = (const Driver__ExecTaskRequest *) message;
        ExecOnce *once = xnew(ExecOnce, 1);
        Plugin *plugin = userdata;
        int r = 0;

        once->call = call;
        once->timeout_usec = time_from_duration(request->timeout);
        rpc_call_set_callbacks(call, &once_call_callbacks, once);
        once->exec = exec_call_start(plugin->engine, call, request->task_id, request->command,
                request->n_command, false, &once_callbacks, once);
        if (!once->exec)
                return;

        exec_close_input(once->exec);
        if (once->timeout_usec > 0)
                r = sd_event_add_time_relative(plugin->event, &once->timer, CLOCK_MONOTONIC,
                        once->timeout_usec, 0, once_on_timeout, once);
        if (r < 0)
                once_fail(once, GRPC_STATUS_INTERNAL, "cannot set up the timeout");
}
