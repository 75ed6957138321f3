/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <grpc/status.h>
#include <protobuf-c/protobuf-c.h>

#include "base/macro.h"

/*
 * gRPC calls as handlers see them. Everything here happens in the loop's thread and nothing blocks.
 *
 * A handler is called when a call's request has arrived; for RPC_BIDI when the call is opened, with no
 * request. It may answer at once, or keep the pointer and answer later. A handler that keeps the pointer
 * sets callbacks: on_close says that the pointer is no longer valid. Until then every function here may be
 * used, also when the call has ended or the peer is gone; what is sent then is dropped.
 *
 * The first call of rpc_call_reply(), rpc_call_fail() or rpc_call_finish() ends the RpcCall; later ones are
 * ignored.
 */
typedef struct RpcCall RpcCall;

typedef enum RpcKind {
        RPC_UNARY,
        RPC_SERVER_STREAM,
        RPC_BIDI,
        _RPC_KIND_MAX,
} RpcKind;

/* @request is of the method's input type, checked for UTF-8 and NUL, and valid until the handler returns. */
typedef void (*RpcHandler)(RpcCall *call, const ProtobufCMessage *request, void *userdata);

/* One row for each method. A method without a handler answers UNIMPLEMENTED, with a message. */
typedef struct RpcMethod {
        const char *name;
        RpcKind kind;
        RpcHandler handler;
} RpcMethod;

/* @methods must name every method of the descriptor exactly once (Init for one that is called Init_ there).
 * @userdata is for its handlers. */
typedef struct RpcService {
        const ProtobufCServiceDescriptor *descriptor;
        const RpcMethod *methods;
        size_t n_methods;
        void *userdata;
} RpcService;

/* Any of them may be NULL. */
typedef struct RpcCallbacks {
        /* RPC_BIDI: a message arrived. */
        void (*on_message)(RpcCall *call, const ProtobufCMessage *message, void *userdata);
        /* RPC_BIDI: the peer will send no more. */
        void (*on_half_close)(RpcCall *call, void *userdata);
        /* Streams: all queued messages have been sent, so the handler can queue more. */
        void (*on_drain)(RpcCall *call, void *userdata);
        /*
         * The call is over. Called once, as the last callback. @cancelled: the peer does not have the whole
         * answer (it cancelled or vanished, a deadline passed, the server stopped).
         */
        void (*on_close)(RpcCall *call, bool cancelled, void *userdata);
} RpcCallbacks;

/* Most messages that may wait in the queue of a call, unless rpc_call_set_limit() sets another limit. */
#define RPC_QUEUE_LIMIT 256

/* The text of an error is cut to so many bytes; trailers beyond 16 MiB break the whole connection. */
#define RPC_TEXT_MAX 8192

/**
 * rpc_call_set_callbacks() - set the callbacks of a call
 * @callbacks: must live as long as the call; NULL: no callback is called any more
 * @userdata:  for the callbacks
 */
void rpc_call_set_callbacks(RpcCall *call, const RpcCallbacks *callbacks, void *userdata);

/* Return: the userdata given with the callbacks, NULL before that. */
void *rpc_call_userdata(const RpcCall *call);

/* Return: "/package.Service/Method", owned by the call. */
const char *rpc_call_path(const RpcCall *call);

/* Ends a unary call with @reply and OK. */
void rpc_call_reply(RpcCall *call, const ProtobufCMessage *reply);

/**
 * rpc_call_fail() - end a call of any kind with an error
 * @code:        UNAVAILABLE and CANCELLED make Nomad believe that the plugin is gone
 * @message:     text for people; made valid UTF-8 and cut to RPC_TEXT_MAX
 * @recoverable: whether to say to Nomad that trying again may help
 *
 * Messages that are already queued are sent first.
 */
void rpc_call_fail(RpcCall *call, grpc_status_code code, const char *message, bool recoverable);

/**
 * rpc_call_send() - queue a message on a stream
 *
 * Messages are sent in order, and the next one only when the peer has room for it.
 *
 * Return: 0; -ENOBUFS when the queue is full, and the message is not queued; -ESHUTDOWN when the call was
 * ended or the peer is gone.
 */
int rpc_call_send(RpcCall *call, const ProtobufCMessage *message);

/* Return: how many messages wait in the queue, the one being sent included. */
size_t rpc_call_pending(const RpcCall *call);

/* Sets how many messages may wait in the queue at most. */
void rpc_call_set_limit(RpcCall *call, size_t messages);

/* RPC_BIDI: false stops reading after the next message, so that the peer has to wait; true reads on. */
void rpc_call_set_reading(RpcCall *call, bool reading);

/* Ends a stream with OK, after the queued messages. */
void rpc_call_finish(RpcCall *call);
