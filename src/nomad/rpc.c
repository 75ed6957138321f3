/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/support/log.h>

#include "base/error.h"
#include "base/string.h"
#include "nomad/call.h"
#include "nomad/server.h"
#include "nomad/status.h"
#include "nomad/wire.h"

/* Messages that are still to be sent, in a ring buffer. */
typedef struct Queue {
        grpc_byte_buffer **buffers;
        size_t first;
        size_t n;
        size_t size;
} Queue;

/*
 * The core can have three operations of a call under way at once: one waits for the end of the call, one
 * receives a message, and one sends a batch. The call is freed when it is closed and no operation is under
 * way. Both conditions are needed, because the core reports the ends of operations in any order.
 */
struct RpcCall {
        grpc_call *call;
        char *path;
        const RpcRow *row; /* NULL: unknown method */
        size_t *live;

        RpcOperation closing;
        RpcOperation receiving;
        RpcOperation sending;
        unsigned n_operations;
        bool is_receiving;
        bool is_sending;

        int cancelled;
        grpc_byte_buffer *received;

        Queue queue;
        size_t limit;
        bool sends_message; /* the batch under way has one */
        bool headers_sent;
        bool status_sent;

        bool opened; /* the handler was called */
        bool reading;
        bool half_closed;
        bool ended;  /* the handler or this file has set the status below */
        bool closed; /* the core has reported the end of the call: no callbacks after on_close() */
        RpcStatus status;

        const RpcCallbacks *callbacks;
        void *userdata;
};

static void call_pump(RpcCall *call);

static bool queue_is_full(const Queue *queue) {
        return queue->n == queue->size;
}

static void queue_push(Queue *queue, grpc_byte_buffer *buffer) {
        if (queue_is_full(queue)) {
                size_t size = queue->size ? queue->size * 2 : 4;
                grpc_byte_buffer **buffers = xnew(grpc_byte_buffer *, size);

                for (size_t i = 0; i < queue->n; i++)
                        buffers[i] = queue->buffers[(queue->first + i) % queue->size];
                free(queue->buffers);
                *queue = (Queue){ .buffers = buffers, .n = queue->n, .size = size };
        }

        queue->buffers[(queue->first + queue->n++) % queue->size] = buffer;
}

static grpc_byte_buffer *queue_pop(Queue *queue) {
        grpc_byte_buffer *buffer = queue->buffers[queue->first];

        queue->first = (queue->first + 1) % queue->size;
        queue->n--;
        return buffer;
}

static void queue_clear(Queue *queue) {
        while (queue->n > 0)
                grpc_byte_buffer_destroy(queue_pop(queue));
        free(queue->buffers);
        *queue = (Queue){};
}

/* Must be called at the end of each operation. The call must not be used after that: it may be freed. */
static void call_operation_done(RpcCall *call) {
        if (--call->n_operations > 0 || !call->closed)
                return;

        queue_clear(&call->queue);
        grpc_byte_buffer_destroy(call->received);
        grpc_call_unref(call->call);
        (*call->live)--;
        rpc_status_clear(&call->status);
        free(call->path);
        free(call);
}

static void call_start(RpcCall *call, RpcOperation *operation, const grpc_op *ops, size_t n_ops) {
        grpc_call_error e = grpc_call_start_batch(call->call, ops, n_ops, operation, NULL);

        if (e != GRPC_CALL_OK) {
                /* Only a bug here can cause that, and the core would never report the operation. */
                gpr_log(GPR_ERROR, "%s: the core refuses a batch: %s", call->path,
                        grpc_call_error_to_string(e));
                abort();
        }
        call->n_operations++;
}

static void call_receive(RpcCall *call) {
        if (call->is_receiving || call->closed || call->half_closed || !call->reading)
                return;

        grpc_op op = { .op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->received };
        call->is_receiving = true;
        call_start(call, &call->receiving, &op, 1);
}

static void call_end(RpcCall *call, grpc_status_code code, const char *message, bool recoverable) {
        if (call->ended || call->closed)
                return;

        rpc_status_set(&call->status, code, message, recoverable);
        call->ended = true;
        call_pump(call);
}

static void call_open(RpcCall *call, const ProtobufCMessage *request) {
        call->opened = true;
        call->row->method->handler(call, request, call->row->service->userdata);

        /* Send the headers of a stream that has no message yet: the peer may wait for them. */
        if (call->row->method->kind != RPC_UNARY && !call->headers_sent)
                call_pump(call);
}

/* Return: 0 with the message; or 1 when it could not be decoded, and then the call was ended. */
static int call_take_message(RpcCall *call, grpc_byte_buffer *buffer, ProtobufCMessage **ret_message) {
        _cleanup_error_ Error *error = NULL;
        grpc_byte_buffer_reader reader;
        int r = -EBADMSG;

        if (grpc_byte_buffer_reader_init(&reader, buffer)) {
                grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);

                grpc_byte_buffer_reader_destroy(&reader);
                r = wire_unpack(call->row->descriptor->input, GRPC_SLICE_START_PTR(slice),
                        GRPC_SLICE_LENGTH(slice), SERVER_UNPACKED_MAX, ret_message, &error);
                grpc_slice_unref(slice);
        }
        if (r >= 0)
                return 0;

        _cleanup_free_ char *text = xasprintf("cannot read the request: %s", error_message(error));
        call_end(call, r == -E2BIG ? GRPC_STATUS_RESOURCE_EXHAUSTED : GRPC_STATUS_INVALID_ARGUMENT, text,
                false);
        return 1;
}

static void call_half_closed(RpcCall *call) {
        call->half_closed = true;

        if (!call->opened)
                call_end(call, GRPC_STATUS_INVALID_ARGUMENT, "the request has no message", false);
        else if (!call->ended && call->callbacks && call->callbacks->on_half_close)
                call->callbacks->on_half_close(call, call->userdata);
}

static void on_received(RpcOperation *operation, bool ok) {
        RpcCall *call = CONTAINER_OF(operation, RpcCall, receiving);
        _cleanup_wire_ ProtobufCMessage *message = NULL;
        /* Taken out before a callback runs, since that may start to receive the next message. */
        grpc_byte_buffer *buffer = TAKE_PTR(call->received);

        call->is_receiving = false;

        if (call->closed || !ok)
                /* The call is over or about to be: the core itself refuses messages that are too big. */
                call->reading = false;
        else if (!buffer && grpc_call_failed_before_recv_message(call->call))
                call->reading = false;
        else if (!buffer)
                call_half_closed(call);
        else if (!call->ended && call_take_message(call, buffer, &message) == 0) {
                if (call->row->method->kind != RPC_BIDI) {
                        call->reading = false;
                        call_open(call, message);
                } else if (call->callbacks && call->callbacks->on_message)
                        call->callbacks->on_message(call, message, call->userdata);
        }
        grpc_byte_buffer_destroy(buffer);

        /* Messages that come after the end of the call are read and dropped, so that a peer that is just
         * sending one can finish. */
        call_receive(call);
        call_operation_done(call);
}

static void on_closed(RpcOperation *operation, bool ok _unused_) {
        RpcCall *call = CONTAINER_OF(operation, RpcCall, closing);
        const RpcCallbacks *callbacks = TAKE_PTR(call->callbacks);

        call->closed = true;
        queue_clear(&call->queue);
        if (callbacks && callbacks->on_close)
                callbacks->on_close(call, call->cancelled != 0, call->userdata);
        call_operation_done(call);
}

static void on_sent(RpcOperation *operation, bool ok) {
        RpcCall *call = CONTAINER_OF(operation, RpcCall, sending);
        bool drained = call->sends_message && call->queue.n == 0;

        call->is_sending = false;
        call->sends_message = false;

        if (ok && !call->closed) {
                if (drained && !call->ended && call->callbacks && call->callbacks->on_drain)
                        call->callbacks->on_drain(call, call->userdata);
                call_pump(call);
        }
        call_operation_done(call);
}

/*
 * Starts to send the next batch, if there is something to send: the headers once, one message, and with the
 * last message the status. The core takes one batch at a time, and reports its end when the peer has room.
 */
static void call_pump(RpcCall *call) {
        grpc_byte_buffer *buffer = NULL;
        grpc_metadata details;
        grpc_slice text;
        grpc_op ops[3] = {};
        size_t n = 0;

        if (call->is_sending || call->closed || call->status_sent)
                return;

        if (!call->headers_sent)
                ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
        call->headers_sent = true;

        if (call->queue.n > 0) {
                buffer = queue_pop(&call->queue);
                ops[n].op = GRPC_OP_SEND_MESSAGE;
                ops[n++].data.send_message.send_message = buffer;
        }

        bool finish = call->ended && call->queue.n == 0;
        if (finish) {
                text = grpc_slice_from_copied_string(call->status.text);
                ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
                ops[n].data.send_status_from_server.status = call->status.code;
                ops[n].data.send_status_from_server.status_details = &text;
                if (rpc_status_details(&call->status, &details)) {
                        ops[n].data.send_status_from_server.trailing_metadata = &details;
                        ops[n].data.send_status_from_server.trailing_metadata_count = 1;
                }
                n++;
                call->status_sent = true;
        }

        if (n == 0)
                return;
        call->is_sending = true;
        call->sends_message = buffer;
        call_start(call, &call->sending, ops, n);

        /* The core has its own references by now. */
        grpc_byte_buffer_destroy(buffer);
        if (finish) {
                grpc_slice_unref(text);
                rpc_status_details_clear(&call->status, &details);
        }
}

void rpc_call_open(grpc_call *core_call, const char *path, const RpcRow *row, size_t *live) {
        RpcCall *call = xnew(RpcCall, 1);

        *call = (RpcCall){
                .call = core_call,
                .path = xstrdup(path),
                .row = row,
                .live = live,
                .closing.done = on_closed,
                .receiving.done = on_received,
                .sending.done = on_sent,
                .limit = RPC_QUEUE_LIMIT,
        };
        (*live)++;

        /* First, and in a batch of its own: the core reports its end only at the end of the call. */
        grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                .data.recv_close_on_server.cancelled = &call->cancelled };
        call_start(call, &call->closing, &op, 1);

        if (!row || !row->method->handler) {
                _cleanup_free_ char *text = xasprintf(
                        "%s is %s this plugin", path, row ? "not supported by" : "no method of");

                call_end(call, GRPC_STATUS_UNIMPLEMENTED, text, false);
                return;
        }

        call->reading = true;
        if (row->method->kind == RPC_BIDI)
                call_open(call, NULL);
        call_receive(call);
}

void rpc_call_set_callbacks(RpcCall *call, const RpcCallbacks *callbacks, void *userdata) {
        call->callbacks = callbacks;
        call->userdata = userdata;
}

void *rpc_call_userdata(const RpcCall *call) {
        return call->userdata;
}

const char *rpc_call_path(const RpcCall *call) {
        return call->path;
}

void rpc_call_reply(RpcCall *call, const ProtobufCMessage *reply) {
        if (call->ended || call->closed)
                return;

        queue_push(&call->queue, rpc_message_pack(reply));
        call_end(call, GRPC_STATUS_OK, NULL, false);
}

void rpc_call_fail(RpcCall *call, grpc_status_code code, const char *message, bool recoverable) {
        call_end(call, code, message, recoverable);
}

int rpc_call_send(RpcCall *call, const ProtobufCMessage *message) {
        assert(call->row->method->kind != RPC_UNARY);

        if (call->ended || call->closed)
                return -ESHUTDOWN;
        if (rpc_call_pending(call) >= call->limit)
                return -ENOBUFS;

        queue_push(&call->queue, rpc_message_pack(message));
        call_pump(call);
        return 0;
}

size_t rpc_call_pending(const RpcCall *call) {
        return call->queue.n + (call->sends_message ? 1 : 0);
}

void rpc_call_set_limit(RpcCall *call, size_t messages) {
        call->limit = messages;
}

void rpc_call_set_reading(RpcCall *call, bool reading) {
        if (call->row->method->kind != RPC_BIDI)
                return;

        call->reading = reading;
        if (call->opened)
                call_receive(call);
}

void rpc_call_finish(RpcCall *call) {
        assert(call->row->method->kind != RPC_UNARY);

        call_end(call, GRPC_STATUS_OK, NULL, false);
}
