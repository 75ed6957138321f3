/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/error.h"
#include "base/macro.h"

/*
 * What protobuf-c leaves open: it neither looks whether texts are UTF-8, nor notices a NUL inside, nor
 * bounds what a message grows to.
 */

/* Return: whether a message of this type can contain itself; such ones are not to be unpacked from peers. */
bool wire_is_recursive(const ProtobufCMessageDescriptor *descriptor);

/**
 * wire_check_text() - look at the texts of a serialized message
 *
 * Return: 0, or -EBADMSG with an error that names a field whose text is no UTF-8 or has a NUL in it.
 */
int wire_check_text(
        const ProtobufCMessageDescriptor *descriptor, const void *bytes, size_t n, Error **ret_error);

/**
 * wire_unpack() - unpack a message of a peer
 * @budget: most memory it may take
 *
 * The message is freed with wire_free().
 *
 * Return: 0, or with an error: -EBADMSG where it is broken, -E2BIG over the budget.
 */
int wire_unpack(const ProtobufCMessageDescriptor *descriptor, const void *bytes, size_t n, size_t budget,
        ProtobufCMessage **ret_message, Error **ret_error);

ProtobufCMessage *wire_free(ProtobufCMessage *message);
DEFINE_CLEANUP(ProtobufCMessage *, wire_free)
#define _cleanup_wire_ _cleanup_(wire_freep)

/* Makes all texts of an unpacked message valid UTF-8. */
void wire_repair_text(ProtobufCMessage *message);
