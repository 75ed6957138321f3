/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <msgpack.h>
#include <stdio.h>

#include "base/string.h"
#include "nomad/msgpack.h"

/* The msgpack library has this limit, too, but only reports that memory is short. */
#define DEPTH_MAX 32

/* A limit, because each object takes some 100 bytes when it is decoded, however short it was. */
#define OBJECTS_MAX 65536
#define KEYS_MAX 4096

/* Where in the tree an object is, for error messages. */
typedef struct Place {
        const struct Place *above;
        const char *key; /* not terminated; NULL: an item of a list */
        size_t n;        /* length of the key, or index */
} Place;

static void append_place(StringBuffer *buffer, const Place *place) {
        if (!place)
                return;

        append_place(buffer, place->above);
        if (!place->key)
                string_buffer_append(buffer, "[%zu]", place->n);
        else {
                _cleanup_free_ char *key = utf8_sanitize(place->key, place->n);

                string_buffer_append(buffer, "%s%.100s", place->above ? "." : "", key);
        }
}

/* @what: the rest of the message; it follows the name of the place, so it starts with a verb */
static int fail(const Place *place, Error **ret_error, const char *what) {
        _cleanup_string_buffer_ StringBuffer buffer = {};

        append_place(&buffer, place);
        return error_set(
                ret_error, EINVAL, "%s %s", buffer.length > 0 ? buffer.text : "the configuration", what);
}

typedef struct Scanner {
        const uint8_t *p;
        const uint8_t *end;
} Scanner;

/* What the first byte of an object says about the bytes that follow. */
typedef struct Head {
        uint8_t fixed;    /* bytes of content besides those that the count counts */
        uint8_t width;    /* bytes of the count, which comes first */
        uint8_t elements; /* objects for each unit of the count; 0: the count is one of bytes */
} Head;

/* For the first bytes 0xc0 to 0xdf. All others hold the count or the value in themselves. */
static const Head heads[32] = {
        [0x04] = { 0, 1, 0 },
        { 0, 2, 0 },
        { 0, 4, 0 }, /* bin */
        [0x07] = { 1, 1, 0 },
        { 1, 2, 0 },
        { 1, 4, 0 }, /* ext */
        [0x0a] = { 4, 0, 0 },
        { 8, 0, 0 }, /* float */
        [0x0c] = { 1, 0, 0 },
        { 2, 0, 0 },
        { 4, 0, 0 },
        { 8, 0, 0 }, /* unsigned */
        [0x10] = { 1, 0, 0 },
        { 2, 0, 0 },
        { 4, 0, 0 },
        { 8, 0, 0 }, /* signed */
        [0x14] = { 2, 0, 0 },
        { 3, 0, 0 },
        { 5, 0, 0 },
        { 9, 0, 0 },
        { 17, 0, 0 }, /* fixext */
        [0x19] = { 0, 1, 0 },
        { 0, 2, 0 },
        { 0, 4, 0 }, /* str */
        [0x1c] = { 0, 2, 1 },
        { 0, 4, 1 }, /* array */
        [0x1e] = { 0, 2, 2 },
        { 0, 4, 2 }, /* map */
};

/*
 * Steps over the first byte of an object, its count, and the bytes of its content.
 *
 * Return: whether all of these were there. @ret_elements is then the number of objects inside of this one,
 * which follow; or -1 for an object that is neither a list nor a map.
 */
static bool scan_head(Scanner *scanner, int64_t *ret_elements) {
        uint64_t count = 0;
        Head head = {};

        if (scanner->p == scanner->end || *scanner->p == 0xc1)
                return false;
        uint8_t first = *scanner->p++;

        if (first >= 0x80 && first <= 0x9f) {
                count = first & 0x0f;
                head.elements = first <= 0x8f ? 2 : 1;
        } else if (first >= 0xa0 && first <= 0xbf)
                count = first & 0x1f;
        else if (first >= 0xc0 && first <= 0xdf)
                head = heads[first - 0xc0];

        if ((size_t) (scanner->end - scanner->p) < head.width)
                return false;
        for (unsigned i = 0; i < head.width; i++)
                count = count << 8 | *scanner->p++;

        /* Each object inside takes one byte at least. */
        size_t room = (size_t) (scanner->end - scanner->p);
        uint64_t needed = head.elements > 0 ? count * head.elements : count + head.fixed;
        if (needed > room)
                return false;
        if (head.elements == 0)
                scanner->p += needed;

        *ret_elements = head.elements > 0 ? (int64_t) needed : -1;
        return true;
}

/*
 * Checks whether every count can be true. The library believes counts, and would allocate gigabytes for an
 * input of five bytes. Return: 0 with the length of the first object in @ret_n, or a negative errno.
 */
static int scan(const uint8_t *bytes, size_t n, size_t *ret_n, Error **ret_error) {
        Scanner scanner = { .p = bytes, .end = bytes + n };
        int64_t left[DEPTH_MAX + 1] = { 1 };
        size_t depth = 0, n_objects = 0;

        for (;;) {
                int64_t elements;

                while (left[depth] == 0)
                        if (depth-- == 0) {
                                *ret_n = (size_t) (scanner.p - bytes);
                                return 0;
                        }
                left[depth]--;

                if (++n_objects > OBJECTS_MAX)
                        return fail(NULL, ret_error, "has more than 65536 values");
                if (!scan_head(&scanner, &elements))
                        return fail(NULL, ret_error, "is no valid msgpack, or is cut off");
                if (elements < 0)
                        continue;
                if (depth == DEPTH_MAX)
                        return fail(NULL, ret_error, "is nested more than 32 levels deep");
                left[++depth] = elements;
        }
}

static int convert(const msgpack_object *object, const Place *place, Value **ret_value, Error **ret_error);

static int convert_text(const char *s, size_t n, const Place *place, char **ret, Error **ret_error) {
        /* The library gives no pointer for an empty string. */
        if (n == 0)
                s = "";
        if (memchr(s, 0, n))
                return fail(place, ret_error, "has a NUL byte in it");
        if (!utf8_is_valid(s, n))
                return fail(place, ret_error, "is not valid UTF-8");

        *ret = xstrndup(s, n);
        return 0;
}

static int convert_string(
        const char *s, size_t n, const Place *place, Value **ret_value, Error **ret_error) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = convert_text(s, n, place, &text, ret_error);
        if (r < 0)
                return r;

        *ret_value = value_new_string(text);
        return 0;
}

static int convert_list(
        const msgpack_object_array *array, const Place *place, Value **ret_value, Error **ret_error) {
        _cleanup_value_ Value *list = value_new_list();
        int r;

        for (uint32_t i = 0; i < array->size; i++) {
                Place inner = { .above = place, .n = i };
                Value *item = NULL;

                r = convert(array->ptr + i, &inner, &item, ret_error);
                if (r < 0)
                        return r;
                value_append(list, item);
        }

        *ret_value = TAKE_PTR(list);
        return 0;
}

static int convert_pair(const msgpack_object_kv *pair, const Place *place, Value *map, Error **ret_error) {
        _cleanup_free_ char *key = NULL;
        Value *item = NULL;
        int r;

        if (pair->key.type != MSGPACK_OBJECT_STR)
                return fail(place, ret_error, "has a key that is no string");

        Place inner = { .above = place, .key = pair->key.via.str.ptr, .n = pair->key.via.str.size };
        r = convert_text(inner.key, inner.n, &inner, &key, ret_error);
        if (r < 0)
                return r;
        r = convert(&pair->val, &inner, &item, ret_error);
        if (r < 0)
                return r;
        if (value_set(map, key, item) < 0)
                return fail(&inner, ret_error, "is there twice");
        return 0;
}

static int convert_map(
        const msgpack_object_map *pairs, const Place *place, Value **ret_value, Error **ret_error) {
        _cleanup_value_ Value *map = value_new_map();
        int r;

        if (pairs->size > KEYS_MAX)
                return fail(place, ret_error, "has more than 4096 keys");

        for (uint32_t i = 0; i < pairs->size; i++) {
                r = convert_pair(pairs->ptr + i, place, map, ret_error);
                if (r < 0)
                        return r;
        }

        *ret_value = TAKE_PTR(map);
        return 0;
}

static int convert(const msgpack_object *object, const Place *place, Value **ret_value, Error **ret_error) {
        char digits[24];

        switch (object->type) {
        case MSGPACK_OBJECT_NIL:
                *ret_value = value_new_null();
                return 0;
        case MSGPACK_OBJECT_BOOLEAN:
                *ret_value = value_new_bool(object->via.boolean);
                return 0;
        case MSGPACK_OBJECT_POSITIVE_INTEGER:
                if (object->via.u64 > INT64_MAX) {
                        (void) snprintf(digits, sizeof(digits), "%" PRIu64, object->via.u64);
                        *ret_value = value_new_string(digits);
                } else
                        *ret_value = value_new_integer((int64_t) object->via.u64);
                return 0;
        case MSGPACK_OBJECT_NEGATIVE_INTEGER:
                *ret_value = value_new_integer(object->via.i64);
                return 0;
        case MSGPACK_OBJECT_FLOAT32:
        case MSGPACK_OBJECT_FLOAT64:
                if (!isfinite(object->via.f64))
                        return fail(place, ret_error, "is no finite number");
                *ret_value = value_new_float(object->via.f64);
                return 0;
        case MSGPACK_OBJECT_STR:
                return convert_string(
                        object->via.str.ptr, object->via.str.size, place, ret_value, ret_error);
        case MSGPACK_OBJECT_BIN:
                return convert_string(
                        object->via.bin.ptr, object->via.bin.size, place, ret_value, ret_error);
        case MSGPACK_OBJECT_ARRAY:
                return convert_list(&object->via.array, place, ret_value, ret_error);
        case MSGPACK_OBJECT_MAP:
                return convert_map(&object->via.map, place, ret_value, ret_error);
        default:
                return fail(place, ret_error, "is of a type that no configuration has");
        }
}

int msgpack_to_value(const void *bytes, size_t n, Value **ret_value, Error **ret_error) {
        msgpack_unpacked unpacked;
        size_t end = 0, offset = 0;
        int r;

        if (n == 0) {
                *ret_value = value_new_null();
                return 0;
        }
        if (n > MSGPACK_INPUT_MAX)
                return fail(NULL, ret_error, "is bigger than 4 MiB");

        r = scan(bytes, n, &end, ret_error);
        if (r < 0)
                return r;
        if (end != n)
                return fail(NULL, ret_error, "has bytes behind its end");

        /* Strings in the library's tree point into the input. */
        msgpack_unpacked_init(&unpacked);
        if (msgpack_unpack_next(&unpacked, bytes, n, &offset) == MSGPACK_UNPACK_SUCCESS && offset == n)
                r = convert(&unpacked.data, NULL, ret_value, ret_error);
        else
                r = fail(NULL, ret_error, "is no valid msgpack");
        msgpack_unpacked_destroy(&unpacked);
        return r;
}
