/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "nomad/wire.h"

/* A message type that is nested deeper than this must contain itself. */
#define DEPTH_MAX 32

/* How many bytes malloc() takes for an allocation besides those that were asked for. */
#define ALLOCATION_OVERHEAD 16

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static bool is_deeper_than(const ProtobufCMessageDescriptor *descriptor, unsigned depth) {
        if (depth == 0)
                return true;

        for (unsigned i = 0; i < descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = descriptor->fields + i;

                if (field->type == PROTOBUF_C_TYPE_MESSAGE && is_deeper_than(field->descriptor, depth - 1))
                        return true;
        }

        return false;
}

bool wire_is_recursive(const ProtobufCMessageDescriptor *descriptor) {
        return is_deeper_than(descriptor, DEPTH_MAX);
}

typedef struct Reader {
        const uint8_t *p;
        const uint8_t *end;
} Reader;

static bool read_varint(Reader *reader, uint64_t *ret) {
        uint64_t value = 0;

        for (unsigned shift = 0; shift < 70 && reader->p < reader->end; shift += 7) {
                uint8_t byte = *reader->p++;

                if (shift < 64)
                        value |= (uint64_t) (byte & 0x7f) << shift;
                if (!(byte & 0x80)) {
                        *ret = value;
                        return true;
                }
        }

        return false;
}

static bool read_bytes(Reader *reader, uint64_t n, const uint8_t **ret) {
        if (n > (uint64_t) (reader->end - reader->p))
                return false;
        *ret = reader->p;
        reader->p += n;
        return true;
}

static int check_text(
        const ProtobufCMessageDescriptor *descriptor, Reader reader, unsigned depth, Error **ret_error);

static int check_bytes(const ProtobufCFieldDescriptor *field, const uint8_t *bytes, size_t n, unsigned depth,
        Error **ret_error) {

        int r;

        if (!field)
                return 0;

        if (field->type == PROTOBUF_C_TYPE_STRING) {
                if (memchr(bytes, 0, n))
                        return error_set(ret_error, EBADMSG, "%s has a NUL byte in it", field->name);
                if (!utf8_is_valid((const char *) bytes, n))
                        return error_set(ret_error, EBADMSG, "%s is not valid UTF-8", field->name);
        }

        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
                r = check_text(field->descriptor, (Reader){ bytes, bytes + n }, depth + 1, ret_error);
                if (r < 0) {
                        (void) error_prefix(ret_error, "%s", field->name);
                        return r;
                }
        }

        return 0;
}

static int check_text(
        const ProtobufCMessageDescriptor *descriptor, Reader reader, unsigned depth, Error **ret_error) {
        if (depth > 2 * DEPTH_MAX)
                return error_set(ret_error, EBADMSG, "message is nested too deeply");

        while (reader.p < reader.end) {
                const uint8_t *bytes;
                uint64_t key, n;
                bool good = read_varint(&reader, &key) && (key >> 3) <= UINT32_MAX >> 3;

                switch (good ? (int) (key & 7) : -1) {
                case WIRE_VARINT:
                        good = read_varint(&reader, &n);
                        break;
                case WIRE_64:
                        good = read_bytes(&reader, 8, &bytes);
                        break;
                case WIRE_32:
                        good = read_bytes(&reader, 4, &bytes);
                        break;
                case WIRE_BYTES:
                        good = read_varint(&reader, &n) && read_bytes(&reader, n, &bytes);
                        if (good) {
                                int r = check_bytes(protobuf_c_message_descriptor_get_field(
                                                            descriptor, (unsigned) (key >> 3)),
                                        bytes, (size_t) n, depth, ret_error);
                                if (r < 0)
                                        return r;
                        }
                        break;
                default:
                        good = false;
                }
                if (!good)
                        return error_set(ret_error, EBADMSG, "message is broken");
        }

        return 0;
}

int wire_check_text(
        const ProtobufCMessageDescriptor *descriptor, const void *bytes, size_t n, Error **ret_error) {

        return check_text(descriptor, (Reader){ bytes, (const uint8_t *) bytes + n }, 0, ret_error);
}

typedef struct Budget {
        size_t left;
        bool exceeded;
} Budget;

static void *budget_alloc(void *userdata, size_t size) {
        Budget *budget = userdata;

        if (size > SIZE_MAX - ALLOCATION_OVERHEAD || size + ALLOCATION_OVERHEAD > budget->left) {
                budget->exceeded = true;
                return NULL;
        }

        budget->left -= size + ALLOCATION_OVERHEAD;
        return malloc(size);
}

static void budget_free(void *userdata _unused_, void *p) {
        free(p);
}

int wire_unpack(const ProtobufCMessageDescriptor *descriptor, const void *bytes, size_t n, size_t budget,
        ProtobufCMessage **ret_message, Error **ret_error) {

        Budget left = { .left = budget };
        ProtobufCAllocator allocator = {
                .alloc = budget_alloc, .free = budget_free, .allocator_data = &left
        };
        int r;

        r = wire_check_text(descriptor, bytes, n, ret_error);
        if (r < 0)
                return r;

        ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, &allocator, n, bytes);
        if (!message && left.exceeded)
                return error_set(ret_error, E2BIG, "message takes more than %zu bytes of memory", budget);
        if (!message)
                return error_set(ret_error, EBADMSG, "message is broken");

        *ret_message = message;
        return 0;
}

ProtobufCMessage *wire_free(ProtobufCMessage *message) {
        ProtobufCAllocator allocator = { .alloc = budget_alloc, .free = budget_free };

        if (message)
                protobuf_c_message_free_unpacked(message, &allocator);
        return NULL;
}

static void repair_member(const ProtobufCFieldDescriptor *field, void *member) {
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
                if (*(ProtobufCMessage **) member)
                        wire_repair_text(*(ProtobufCMessage **) member);
        } else if (field->type == PROTOBUF_C_TYPE_STRING) {
                char **s = member;

                if (*s && !utf8_is_valid(*s, strlen(*s))) {
                        char *repaired = utf8_sanitize(*s, strlen(*s));

                        free(*s);
                        *s = repaired;
                }
        }
}

/* repair_member() may free an invalid string: it is not empty, so not protobuf-c's shared empty one. */
void wire_repair_text(ProtobufCMessage *message) {
        for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = message->descriptor->fields + i;
                char *member = (char *) message + field->offset;
                const void *quantifier = (char *) message + field->quantifier_offset;

                if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_STRING)
                        continue;

                if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                        size_t n = *(const size_t *) quantifier;

                        for (size_t j = 0; j < n; j++)
                                repair_member(field, *(void ***) (void *) member + j);
                } else if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
                        *(const uint32_t *) quantifier == field->id)
                        repair_member(field, member);
        }
}
