/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "driver.pb-c.h"
#include "nomad/driver.h"
#include "nomad/plugin.h"

/* A DestroyTask call. The driver destroys the task even if Nomad gives up on the call meanwhile. */
typedef struct DestroyCall {
        Plugin *plugin;
        RpcCall *call; /* NULL once Nomad gave up on it */
        TaskWait *wait;
        char *id;
        bool force;
} DestroyCall;

static void on_destroy_call_close(RpcCall *call _unused_, bool cancelled _unused_, void *userdata) {
        DestroyCall *destroy = userdata;

        destroy->call = NULL;
}

static const RpcCallbacks destroy_call_callbacks = { .on_close = on_destroy_call_close };

/* Answers the call and frees @destroy. @words: why the call failed; NULL when it succeeded. */
static void destroy_call_end(DestroyCall *destroy, const char *words) {
        Driver__DestroyTaskResponse reply = DRIVER__DESTROY_TASK_RESPONSE__INIT;

        if (destroy->call && words)
                rpc_call_fail(destroy->call, GRPC_STATUS_FAILED_PRECONDITION, words, false);
        else if (destroy->call)
                rpc_call_reply(destroy->call, &reply.base);
        if (destroy->call)
                rpc_call_set_callbacks(destroy->call, NULL, NULL);
        task_wait_free(destroy->wait);
        free(destroy->id);
        free(destroy);
}

static void destroy_forget(DestroyCall *destroy) {
        Task *task = engine_find(destroy->plugin->engine, destroy->id);

        if (task)
                task_forget(task);
        driver_task_free(driver_tasks_find(&destroy->plugin->tasks, destroy->id));
        destroy_call_end(destroy, NULL);
}

static void on_destroy_ended(void *userdata, const ExitResult *result _unused_) {
        destroy_forget(userdata);
}

static void destroy_task(DestroyCall *destroy, Task *task) {
        if (task_state(task) != TASK_EXITED && !destroy->force) {
                destroy_call_end(destroy, "the task still runs: stop it first, or destroy it with force");
                return;
        }

        destroy->wait = task_wait(task, on_destroy_ended, destroy);
        task_stop(task, 0, 0);
}

/* Called at the end of engine_recover(), for a task that is on the host but was unknown to this process. */
static void on_taken_up(void *userdata, Task *task, const Error *error) {
        DestroyCall *destroy = userdata;

        if (task)
                destroy_task(destroy, task);
        else if (error->code == ESRCH)
                destroy_forget(destroy);
        else
                destroy_call_end(destroy, error_message(error));
}

void driver_on_destroy_task(RpcCall *call, const ProtobufCMessage *message, void *userdata) {
        const Driver__DestroyTaskRequest *request = (const Driver__DestroyTaskRequest *) message;
        DestroyCall *destroy = xnew(DestroyCall, 1);
        _cleanup_task_record_ TaskRecord record = {};
        _cleanup_error_ Error *error = NULL;
        Plugin *plugin = userdata;
        Task *task = engine_find(plugin->engine, request->task_id);

        *destroy = (DestroyCall){
                .plugin = plugin,
                .call = call,
                .id = xstrdup(request->task_id),
                .force = request->force,
        };
        rpc_call_set_callbacks(call, &destroy_call_callbacks, destroy);

        if (task) {
                destroy_task(destroy, task);
                return;
        }

        /* If the engine cannot tell whether something is left, the call fails, so that Nomad tries again. */
        int r = engine_find_left(plugin->engine, request->task_id, &record);
        if (r == -ENOENT)
                destroy_forget(destroy);
        else if (r < 0)
                destroy_call_end(destroy, strerror(-r));
        else if (engine_recover(plugin->engine, request->task_id, &record, on_taken_up, destroy, &error) < 0)
                destroy_call_end(destroy, error_message(error));
}
