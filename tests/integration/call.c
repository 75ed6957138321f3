/* SPDX-License-Identifier: Apache-2.0 */

#include "box.h"

/* The calls of an agent: each request about a task is made here and nowhere else. */

void *call_end(
        ClientCall *call, const char *what, const ProtobufCMessageDescriptor *output, unsigned limit_msec) {
        _cleanup_free_ char *text = NULL;
        ProtobufCMessage *reply = NULL;

        int r = client_next(call, output, limit_msec, &reply);
        int code = client_status(call, limit_msec, &text, NULL);
        cr_assert_eq(code, GRPC_STATUS_OK, "%s: %d %s", what, code, text ? text : "no answer in time");
        cr_assert_eq(r, 1, "%s answered with nothing", what);
        (void) client_call_free(call);
        return reply;
}

void call_finish(ClientCall *call, const char *what, const ProtobufCMessageDescriptor *output) {
        protobuf_c_message_free_unpacked(call_end(call, what, output, LIMIT_MSEC), NULL);
}

void *agent_call(
        Agent *agent, const char *path, const void *request, const ProtobufCMessageDescriptor *output) {
        return call_end(client_open(agent->client, path, request), path, output, LIMIT_MSEC);
}

char *agent_call_fails(Agent *agent, const char *path, const void *request, grpc_status_code expected) {
        _cleanup_client_call_ ClientCall *call = client_open(agent->client, path, request);
        char *text = NULL;

        int code = client_status(call, LIMIT_MSEC, &text, NULL);
        cr_assert_eq(code, expected, "%s: %d, not %d: %s", path, code, expected, text ? text : "no answer");
        return text;
}

ClientCall *job_open_start(const Agent *agent, Job *job) {
        Driver__StartTaskRequest request = DRIVER__START_TASK_REQUEST__INIT;

        request.task = &job->config;
        return client_open(agent->client, DRIVER "StartTask", &request.base);
}

ClientCall *job_open_recover(const Agent *agent, const Job *job) {
        Driver__RecoverTaskRequest request = DRIVER__RECOVER_TASK_REQUEST__INIT;
        Driver__TaskHandle handle = *job->started->handle;
        Driver__TaskConfig config = *handle.config;

        /* An agent that restarted does not have the job's config any more. */
        config.msgpack_driver_config = (ProtobufCBinaryData){};
        handle.config = &config;
        request.handle = &handle;
        return client_open(agent->client, DRIVER "RecoverTask", &request.base);
}

ClientCall *job_open_stop(const Agent *agent, const Job *job, int64_t timeout_sec, const char *signal) {
        Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;
        Driver__StopTaskRequest request = DRIVER__STOP_TASK_REQUEST__INIT;

        timeout.seconds = timeout_sec;
        request.task_id = job->config.id;
        request.timeout = &timeout;
        request.signal = (char *) (uintptr_t) signal;
        return client_open(agent->client, DRIVER "StopTask", &request.base);
}

ClientCall *job_open_destroy(const Agent *agent, const Job *job, bool force) {
        Driver__DestroyTaskRequest request = DRIVER__DESTROY_TASK_REQUEST__INIT;

        request.task_id = job->config.id;
        request.force = force;
        return client_open(agent->client, DRIVER "DestroyTask", &request.base);
}

ClientCall *job_open_wait(const Agent *agent, const Job *job) {
        Driver__WaitTaskRequest request = DRIVER__WAIT_TASK_REQUEST__INIT;

        request.task_id = job->config.id;
        return client_open(agent->client, DRIVER "WaitTask", &request.base);
}
