/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "nomad/status.h"
#include "nomad/wire.h"
#include "structs.pb-c.h"

#define RECOVERABLE_TYPE "type.googleapis.com/hashicorp.nomad.plugins.shared.structs.RecoverableError"

void rpc_status_set(RpcStatus *status, grpc_status_code code, const char *text, bool recoverable) {
        _cleanup_free_ char *repaired = NULL;

        if (!text)
                text = "";
        repaired = utf8_sanitize(text, strnlen(text, RPC_TEXT_MAX));

        /* The repair may have made it longer: broken bytes, also of a cut character, become longer ones. */
        size_t n = strlen(repaired);
        if (n > RPC_TEXT_MAX) {
                n = RPC_TEXT_MAX;
                while (((unsigned char) repaired[n] & 0xc0) == 0x80)
                        n--;
        }

        *status = (RpcStatus){ .code = code, .text = xstrndup(repaired, n), .recoverable = recoverable };
}

void rpc_status_clear(RpcStatus *status) {
        free(status->text);
        *status = (RpcStatus){};
}

static grpc_slice pack_slice(const ProtobufCMessage *message) {
        grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));

        (void) protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
        return slice;
}

bool rpc_status_details(const RpcStatus *status, grpc_metadata *ret_details) {
        static uint8_t yes[] = { 0x08, 0x01 }; /* RecoverableError.recoverable = true */

        if (!status->recoverable)
                return false;

        Structs__Detail detail = STRUCTS__DETAIL__INIT;
        detail.type_url = (char *) RECOVERABLE_TYPE;
        detail.value = (ProtobufCBinaryData){ .data = yes, .len = sizeof(yes) };

        /* Repeats code and text of the status: the Go library takes all from the details, or nothing. */
        Structs__Status message = STRUCTS__STATUS__INIT;
        message.code = (int32_t) status->code;
        message.message = status->text;
        message.details = (Structs__Detail *[]){ &detail };
        message.n_details = 1;

        *ret_details = (grpc_metadata){
                .key = grpc_slice_from_static_string("grpc-status-details-bin"),
                .value = pack_slice(&message.base),
        };
        return true;
}

void rpc_status_details_clear(const RpcStatus *status, grpc_metadata *details) {
        if (status->recoverable)
                grpc_slice_unref(details->value);
}

grpc_byte_buffer *rpc_message_pack(const ProtobufCMessage *message) {
        grpc_slice slice = pack_slice(message);

        if (wire_check_text(
                    message->descriptor, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice), NULL) < 0) {
                /* The message belongs to the caller, so repair a copy. This is rare, so it may be slow. */
                _cleanup_wire_ ProtobufCMessage *copy = protobuf_c_message_unpack(
                        message->descriptor, NULL, GRPC_SLICE_LENGTH(slice), GRPC_SLICE_START_PTR(slice));

                if (copy) {
                        wire_repair_text(copy);
                        grpc_slice_unref(slice);
                        slice = pack_slice(copy);
                }
        }

        grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
        grpc_slice_unref(slice);
        return buffer;
}
