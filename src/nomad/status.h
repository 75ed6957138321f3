/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <grpc/grpc.h>

#include "base/macro.h"
#include "nomad/rpc.h"

/* The status that a call ends with, and what is sent for it. */
typedef struct RpcStatus {
        grpc_status_code code;
        char *text;
        bool recoverable;
} RpcStatus;

/* @text: is made valid UTF-8 and cut to RPC_TEXT_MAX; NULL for an empty text */
void rpc_status_set(RpcStatus *status, grpc_status_code code, const char *text, bool recoverable);
void rpc_status_clear(RpcStatus *status);

/**
 * rpc_status_details() - make the details, which tell Nomad that trying again may help
 *
 * Return: whether @ret_details must be sent with the trailers; rpc_status_details_clear() frees them.
 */
bool rpc_status_details(const RpcStatus *status, grpc_metadata *ret_details);
void rpc_status_details_clear(const RpcStatus *status, grpc_metadata *details);

/* Return: @message serialized, owned by the caller. Texts that Go would refuse are repaired. */
grpc_byte_buffer *rpc_message_pack(const ProtobufCMessage *message);
