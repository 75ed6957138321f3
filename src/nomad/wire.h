/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/error.h"
#include "base/macro.h"

/*
 * The checks that protobuf-c does not make: whether texts are UTF-8, whether they have a NUL inside, and how
 * much memory an unpacked message takes.
 */

/* Return: whether a message of this type can contain itself; one from a peer must not be unpacked then. */
bool wire_is_recursive(const ProtobufCMessageDescriptor *descriptor);

/**
 * wire_check_text() - check the texts of a serialized message
 *
 * Return: 0, or -EBADMSG with an error that names a field whose text is no UTF-8 or has a NUL in it.
 */
int wire_check_text(
        const ProtobufCMessageDescriptor *descriptor, const void *bytes, size_t n, Error **ret_error);

/**
 * wire_unpack() - unpack a message from a peer
 * @budget: most bytes of memory that the unpacked message may take
 *
 * The message is freed with wire_free().
 *
 * Return: 0; or with an error: -EBADMSG for a broken message, -E2BIG for one over the budget.
 */
int wire_unpack(const ProtobufCMessageDescriptor *descriptor, const void *bytes, size_t n, size_t budget,
        ProtobufCMessage **ret_message, Error **ret_error);

ProtobufCMessage *wire_free(ProtobufCMessage *message);
DEFINE_CLEANUP(ProtobufCMessage *, wire_free)
#define _cleanup_wire_ _cleanup_(wire_freep)

/* Makes all texts of an unpacked message valid UTF-8. */
void wire_repair_text(ProtobufCMessage *message);
