/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <pthread.h>
#include <time.h>

#include "base/string.h"
#include "client.h"
#include "structs.pb-c.h"

/*
 * A batch of operations of a call; its address is the tag in the completion queue. The client's thread takes
 * the tags, marks the steps as done, and wakes the waiters. Without this thread, a call would make no
 * progress while nobody waits for it.
 */
typedef struct Step {
        Client *client;
        bool started;
        bool done;
        bool ok;
} Step;

struct Client {
        grpc_channel *channel;
        grpc_completion_queue *queue;
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t changed;
};

struct ClientCall {
        Client *client;
        grpc_call *call;
        Step send;
        Step receive;
        Step status;

        grpc_byte_buffer *received;
        grpc_metadata_array headers;
        grpc_metadata_array trailers;
        grpc_status_code code;
        grpc_slice text;
};

static void *client_thread(void *userdata) {
        Client *client = userdata;

        for (;;) {
                grpc_event event = grpc_completion_queue_next(
                        client->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
                Step *step = event.tag;

                if (event.type == GRPC_QUEUE_SHUTDOWN)
                        return NULL;

                (void) pthread_mutex_lock(&client->mutex);
                step->done = true;
                step->ok = event.success != 0;
                (void) pthread_cond_broadcast(&client->changed);
                (void) pthread_mutex_unlock(&client->mutex);
        }
}

static void drop_log(gpr_log_func_args *args _unused_) {
}

Client *client_new(const char *socket_path) {
        _cleanup_free_ char *target = xasprintf("unix:%s", socket_path);
        Client *client = xnew(Client, 1);
        pthread_condattr_t attributes;
        grpc_arg list[] = {
                { .type = GRPC_ARG_INTEGER,
                        .key = (char *) GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
                        .value.integer = -1 },
                { .type = GRPC_ARG_INTEGER,
                        .key = (char *) GRPC_ARG_MAX_METADATA_SIZE,
                        .value.integer = 16 * 1024 * 1024 },
                /* Each client has its own connection, as each agent has. */
                { .type = GRPC_ARG_INTEGER,
                        .key = (char *) GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
                        .value.integer = 1 },
        };
        grpc_channel_args args = { .num_args = ELEMENTSOF(list), .args = list };

        (void) pthread_condattr_init(&attributes);
        (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        (void) pthread_mutex_init(&client->mutex, NULL);
        (void) pthread_cond_init(&client->changed, &attributes);
        (void) pthread_condattr_destroy(&attributes);

        gpr_set_log_function(drop_log);
        grpc_init();
        grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
        client->channel = grpc_channel_create(target, credentials, &args);
        grpc_channel_credentials_release(credentials);
        client->queue = grpc_completion_queue_create_for_next(NULL);
        if (pthread_create(&client->thread, NULL, client_thread, client) != 0)
                abort();
        return client;
}

Client *client_free(Client *client) {
        if (!client)
                return NULL;

        grpc_completion_queue_shutdown(client->queue);
        (void) pthread_join(client->thread, NULL);
        grpc_completion_queue_destroy(client->queue);
        grpc_channel_destroy(client->channel);
        grpc_shutdown();
        (void) pthread_cond_destroy(&client->changed);
        (void) pthread_mutex_destroy(&client->mutex);
        free(client);
        return NULL;
}

static void step_start(ClientCall *call, Step *step, const grpc_op *ops, size_t n_ops) {
        /* The lock is for the thread sanitizer, which does not see that gRPC passes the step on. */
        (void) pthread_mutex_lock(&call->client->mutex);
        *step = (Step){ .client = call->client, .started = true };
        (void) pthread_mutex_unlock(&call->client->mutex);
        if (grpc_call_start_batch(call->call, ops, n_ops, step, NULL) != GRPC_CALL_OK)
                abort();
}

/* Return: whether the step is done within the limit; true for a step that was never started. */
static bool step_wait(Step *step, unsigned limit_msec) {
        Client *client = step->client;
        struct timespec until;
        bool done;

        if (!step->started)
                return true;

        (void) clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += limit_msec / 1000;
        until.tv_nsec += (long) (limit_msec % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_nsec -= 1000000000;
                until.tv_sec++;
        }

        (void) pthread_mutex_lock(&client->mutex);
        while (!step->done)
                if (pthread_cond_timedwait(&client->changed, &client->mutex, &until) == ETIMEDOUT)
                        break;
        done = step->done;
        (void) pthread_mutex_unlock(&client->mutex);
        return done;
}

static grpc_byte_buffer *pack(const ProtobufCMessage *message) {
        grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));

        (void) protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
        grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
        grpc_slice_unref(slice);
        return buffer;
}

static ClientCall *call_new(Client *client, const char *path, gpr_timespec deadline) {
        ClientCall *call = xnew(ClientCall, 1);
        grpc_slice method = grpc_slice_from_copied_string(path);
        grpc_slice host = grpc_slice_from_static_string("unused");

        call->client = client;
        call->text = grpc_empty_slice();
        call->call = grpc_channel_create_call(
                client->channel, NULL, 0, client->queue, method, &host, deadline, NULL);
        grpc_slice_unref(method);
        grpc_metadata_array_init(&call->headers);
        grpc_metadata_array_init(&call->trailers);

        grpc_op ops[] = {
                { .op = GRPC_OP_RECV_INITIAL_METADATA,
                        .data.recv_initial_metadata.recv_initial_metadata = &call->headers },
                { .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                        .data.recv_status_on_client = { .trailing_metadata = &call->trailers,
                                .status = &call->code,
                                .status_details = &call->text } },
        };
        step_start(call, &call->status, ops, ELEMENTSOF(ops));
        return call;
}

static ClientCall *call_open(
        Client *client, const char *path, const ProtobufCMessage *request, gpr_timespec deadline) {

        ClientCall *call = call_new(client, path, deadline);
        grpc_byte_buffer *buffer = request ? pack(request) : NULL;
        grpc_op ops[] = {
                { .op = GRPC_OP_SEND_INITIAL_METADATA },
                { .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = buffer },
                { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
        };

        step_start(call, &call->send, ops, request ? 3 : 1);
        grpc_byte_buffer_destroy(buffer);
        return call;
}

ClientCall *client_open(Client *client, const char *path, const ProtobufCMessage *request) {
        return call_open(client, path, request, gpr_inf_future(GPR_CLOCK_REALTIME));
}

ClientCall *client_call_free(ClientCall *call) {
        if (!call)
                return NULL;

        /* A cancelled call ends at once, so these waits are short. */
        client_cancel(call);
        (void) step_wait(&call->send, UINT32_MAX);
        (void) step_wait(&call->receive, UINT32_MAX);
        (void) step_wait(&call->status, UINT32_MAX);
        grpc_byte_buffer_destroy(call->received);
        grpc_metadata_array_destroy(&call->headers);
        grpc_metadata_array_destroy(&call->trailers);
        grpc_slice_unref(call->text);
        grpc_call_unref(call->call);
        free(call);
        return NULL;
}

static int send_op(ClientCall *call, const grpc_op *op, unsigned limit_msec) {
        if (!step_wait(&call->send, limit_msec))
                return -ETIMEDOUT;
        if (!call->send.ok)
                return -EPIPE;

        step_start(call, &call->send, op, 1);
        if (!step_wait(&call->send, limit_msec))
                return -ETIMEDOUT;
        return call->send.ok ? 0 : -EPIPE;
}

int client_send(ClientCall *call, const ProtobufCMessage *message, unsigned limit_msec) {
        grpc_byte_buffer *buffer = pack(message);
        grpc_op op = { .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = buffer };

        int r = send_op(call, &op, limit_msec);
        grpc_byte_buffer_destroy(buffer);
        return r;
}

int client_half_close(ClientCall *call, unsigned limit_msec) {
        grpc_op op = { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT };

        return send_op(call, &op, limit_msec);
}

static ProtobufCMessage *unpack(grpc_byte_buffer *buffer, const ProtobufCMessageDescriptor *output) {
        grpc_byte_buffer_reader reader;
        ProtobufCMessage *message;

        if (!grpc_byte_buffer_reader_init(&reader, buffer))
                return NULL;

        grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
        message = protobuf_c_message_unpack(
                output, NULL, GRPC_SLICE_LENGTH(slice), GRPC_SLICE_START_PTR(slice));
        grpc_slice_unref(slice);
        grpc_byte_buffer_reader_destroy(&reader);
        return message;
}

int client_next(ClientCall *call, const ProtobufCMessageDescriptor *output, unsigned limit_msec,
        ProtobufCMessage **ret_message) {

        /* After a timeout, the step of the previous call is still pending. */
        if (!call->receive.started) {
                grpc_op op = { .op = GRPC_OP_RECV_MESSAGE,
                        .data.recv_message.recv_message = &call->received };

                step_start(call, &call->receive, &op, 1);
        }
        if (!step_wait(&call->receive, limit_msec))
                return -ETIMEDOUT;
        call->receive.started = false;
        if (!call->receive.ok || !call->received)
                return 0;

        *ret_message = unpack(call->received, output);
        grpc_byte_buffer_destroy(call->received);
        call->received = NULL;
        return *ret_message ? 1 : -EBADMSG;
}

/* Return: whether the status has Nomad's RecoverableError as its first detail, and that says recoverable. */
static bool is_recoverable(const grpc_metadata_array *trailers) {
        for (size_t i = 0; i < trailers->count; i++) {
                const grpc_metadata *entry = trailers->metadata + i;
                bool recoverable = false;

                if (grpc_slice_str_cmp(entry->key, "grpc-status-details-bin") != 0)
                        continue;

                Structs__Status *status = structs__status__unpack(
                        NULL, GRPC_SLICE_LENGTH(entry->value), GRPC_SLICE_START_PTR(entry->value));
                if (status && status->n_details > 0 &&
                        string_has_suffix(status->details[0]->type_url, ".RecoverableError")) {
                        Structs__RecoverableError *detail = structs__recoverable_error__unpack(
                                NULL, status->details[0]->value.len, status->details[0]->value.data);

                        recoverable = detail && detail->recoverable;
                        structs__recoverable_error__free_unpacked(detail, NULL);
                }
                structs__status__free_unpacked(status, NULL);
                return recoverable;
        }

        return false;
}

int client_status(ClientCall *call, unsigned limit_msec, char **ret_text, bool *ret_recoverable) {
        if (!step_wait(&call->status, limit_msec))
                return -ETIMEDOUT;

        if (ret_text)
                *ret_text = xstrndup(
                        (const char *) GRPC_SLICE_START_PTR(call->text), GRPC_SLICE_LENGTH(call->text));
        if (ret_recoverable)
                *ret_recoverable = is_recoverable(&call->trailers);
        return (int) call->code;
}

void client_cancel(ClientCall *call) {
        (void) grpc_call_cancel(call->call, NULL);
}

grpc_status_code client_call(Client *client, const char *path, const ProtobufCMessage *request,
        const ProtobufCMessageDescriptor *output, ProtobufCMessage **ret_reply, char **ret_error_text) {

        gpr_timespec deadline = gpr_time_add(
                gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_millis(CLIENT_CALL_MSEC, GPR_TIMESPAN));
        _cleanup_client_call_ ClientCall *call = call_open(client, path, request, deadline);
        ProtobufCMessage *reply = NULL;

        /* The deadline ends these waits. */
        int r = client_next(
                call, output ? output : &structs__recoverable_error__descriptor, UINT32_MAX, &reply);
        int code = client_status(call, UINT32_MAX, ret_error_text, NULL);

        if (code == GRPC_STATUS_OK && output && r <= 0)
                code = GRPC_STATUS_INTERNAL;
        if (code == GRPC_STATUS_OK && output && ret_reply)
                *ret_reply = TAKE_PTR(reply);
        if (reply)
                protobuf_c_message_free_unpacked(reply, NULL);
        return (grpc_status_code) code;
}
