/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <grpc/grpc.h>

#include "base/macro.h"
#include "nomad/rpc.h"

/* How a call ends, and what goes out on the wire for it. */
typedef struct RpcStatus {
        grpc_status_code code;
        char *text;
        bool recoverable;
} RpcStatus;

/* @text is repaired where it is not UTF-8, and cut to RPC_TEXT_MAX; NULL is no text. */
void rpc_status_set(RpcStatus *status, grpc_status_code code, const char *text, bool recoverable);
void rpc_status_clear(RpcStatus *status);

/**
 * rpc_status_details() - what Nomad wants to know beyond the code
 *
 * Return: whether @ret_details is to be sent with the trailers; rpc_status_details_clear() undoes that.
 */
bool rpc_status_details(const RpcStatus *status, grpc_metadata *ret_details);
void rpc_status_details_clear(const RpcStatus *status, grpc_metadata *details);

/* Return: @message serialized, owned by the caller. Texts that Go would refuse are repaired. */
grpc_byte_buffer *rpc_message_pack(const ProtobufCMessage *message);
