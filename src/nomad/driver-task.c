/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>

#include "base/signal.h"
#include "base/string.h"
#include "driver.pb-c.h"
#include "nomad/attributes.h"
#include "nomad/log.h"
#include "nomad/driver.h"
#include "nomad/plugin.h"
#include "nomad/time.h"

/* A WaitTask or StopTask call, which is answered when the task has ended. */
typedef struct EndCall {
        Plugin *plugin;
        RpcCall *call; /* valid as long as this struct */
        TaskWait *wait;
        char *id;
} EndCall;

static void end_call_free(EndCall *end) {
        task_wait_free(end->wait);
        free(end->id);
        free(end);
}

static void on_end_call_close(RpcCall *call _unused_, bool cancelled _unused_, void *userdata) {
        end_call_free(userdata);
}

static const RpcCallbacks end_call_callbacks = { .on_close = on_end_call_close };

static EndCall *end_call_new(RpcCall *call, Plugin *plugin, Task *task, TaskEnded ended) {
        EndCall *end = xnew(EndCall, 1);

        end->plugin = plugin;
        end->call = call;
        end->id = xstrdup(task_id(task));
        end->wait = task_wait(task, ended, end);
        rpc_call_set_callbacks(call, &end_call_callbacks, end);
        return end;
}

static void fill_result(Driver__ExitResult *ret, const ExitResult *result) {
        driver__exit_result__init(ret);
        ret->exit_code = result->known ? result->code : 0;
        ret->signal = result->known ? result->signal : 0;
        ret->oom_killed = result->oom_killed;
}

static void on_wait_ended(void *userdata, const ExitResult *result) {
        Driver__WaitTaskResponse reply = DRIVER__WAIT_TASK_RESPONSE__INIT;
        char unknown[] = "the exit status of the task is not known", oom[] = "OOM Killed";
        Driver__ExitResult exit_result;
        EndCall *end = userdata;

        fill_result(&exit_result, result);
        reply.result = &exit_result;
        /* Nomad shows this text as the message of the exit. Its own drivers send "OOM Killed", too. */
        if (result->oom_killed)
                reply.err = oom;
        if (!result->known)
                reply.err = unknown;
        rpc_call_reply(end->call, &reply.base);
}

void driver_on_wait_task(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Driver__WaitTaskRequest *request = (const Driver__WaitTaskRequest *) message;
        Plugin *plugin = userdata;
        Task *task = engine_find(plugin->engine, request->task_id);

        if (!task) {
                rpc_call_fail(call, GRPC_STATUS_NOT_FOUND, TASK_NOT_FOUND, false);
                return;
        }

        (void) end_call_new(call, plugin, task, on_wait_ended);
}

static void on_stop_ended(void *userdata, const ExitResult *result _unused_) {
        Driver__StopTaskResponse reply = DRIVER__STOP_TASK_RESPONSE__INIT;
        EndCall *end = userdata;

        rpc_call_reply(end->call, &reply.base);
}

/* Return: the signal that stops the task; 0 for the default. A task must be stoppable whatever its job says,
 * so the driver only warns about a name that is no signal, and sends the default. */
static int stop_signal(Plugin *plugin, const char *id, const char *name) {
        int signal = string_is_empty(name) ? 0 : signal_from_string(name);

        if (signal >= 0)
                return signal;

        _cleanup_free_ char *message = xasprintf(
                "kill_signal: \"%s\" is not a signal; the default was sent instead", name);
        const DriverTask *task = driver_tasks_find(&plugin->tasks, id);
        log_warn(message, "task_id", id);
        if (task)
                events_send(&plugin->events, task, message, NULL);
        return 0;
}

void driver_on_stop_task(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Driver__StopTaskRequest *request = (const Driver__StopTaskRequest *) message;
        Driver__StopTaskResponse reply = DRIVER__STOP_TASK_RESPONSE__INIT;
        Plugin *plugin = userdata;
        Task *task = engine_find(plugin->engine, request->task_id);

        /* Success: a task that does not exist is stopped. After an error Nomad would try again and again. */
        if (!task) {
                rpc_call_reply(call, &reply.base);
                return;
        }

        (void) end_call_new(call, plugin, task, on_stop_ended);
        task_stop(task, stop_signal(plugin, request->task_id, request->signal),
                time_from_duration(request->timeout));
}

void driver_on_signal_task(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Driver__SignalTaskRequest *request = (const Driver__SignalTaskRequest *) message;
        Driver__SignalTaskResponse reply = DRIVER__SIGNAL_TASK_RESPONSE__INIT;
        _cleanup_free_ char *words = NULL;
        Plugin *plugin = userdata;
        Task *task = engine_find(plugin->engine, request->task_id);
        int signal = signal_from_string(request->signal), r;

        if (!task) {
                rpc_call_fail(call, GRPC_STATUS_NOT_FOUND, TASK_NOT_FOUND, false);
                return;
        }
        if (signal < 0) {
                words = xasprintf(
                        "signal: \"%s\" is not a signal: must be a name such as SIGHUP, or a number "
                        "from 1 to %d",
                        request->signal, SIGRTMAX);
                rpc_call_fail(call, GRPC_STATUS_INVALID_ARGUMENT, words, false);
                return;
        }

        r = task_signal(task, signal);
        if (r < 0) {
                words = xasprintf("signal: %s was not sent: %s", request->signal,
                        r == -ESRCH ? "the task has no process now" : strerror(-r));
                rpc_call_fail(call, GRPC_STATUS_FAILED_PRECONDITION, words, false);
                return;
        }
        rpc_call_reply(call, &reply.base);
}

void driver_on_inspect_task(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Driver__InspectTaskRequest *request = (const Driver__InspectTaskRequest *) message;
        Driver__InspectTaskResponse reply = DRIVER__INSPECT_TASK_RESPONSE__INIT;
        Driver__TaskDriverStatus driver = DRIVER__TASK_DRIVER_STATUS__INIT;
        Driver__TaskStatus status = DRIVER__TASK_STATUS__INIT;
        Google__Protobuf__Timestamp started, completed;
        _cleanup_attributes_ Attributes attributes = {};
        Driver__ExitResult result;
        Plugin *plugin = userdata;
        Task *task = engine_find(plugin->engine, request->task_id);
        DriverTask *driver_task = driver_tasks_find(&plugin->tasks, request->task_id);

        if (!task || !driver_task) {
                rpc_call_fail(call, GRPC_STATUS_NOT_FOUND, TASK_NOT_FOUND, false);
                return;
        }

        attributes_add_task(&attributes, plugin->cgroup_root, task);
        driver.n_attributes = attributes.n;
        driver.attributes = attributes.entries;

        time_to_timestamp(task_record(task)->started_usec, &started);
        time_to_timestamp(task_result(task)->usec, &completed);
        fill_result(&result, task_result(task));
        status.id = driver_task->id;
        status.name = driver_task->name;
        status.state = task_state(task) == TASK_EXITED ? DRIVER__TASK_STATE__EXITED
                                                       : DRIVER__TASK_STATE__RUNNING;
        status.started_at = &started;
        status.completed_at = &completed;
        status.result = &result;
        reply.task = &status;
        reply.driver = &driver;
        rpc_call_reply(call, &reply.base);
}
