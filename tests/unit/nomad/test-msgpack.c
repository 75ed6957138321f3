/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/string.h"
#include "nomad/msgpack.h"

TestSuite(msgpack, .timeout = 60);

#define DECODE(text) decode(text, sizeof(text) - 1)
#define EXPECT_ERROR(text, words) expect_error(text, sizeof(text) - 1, words)

/* Decodes a copy of exactly this size, so that the address sanitizer sees a read beyond it. */
static Value *decode(const char *bytes, size_t n) {
        _cleanup_free_ char *copy = xmemdup(bytes, n);
        _cleanup_error_ Error *error = NULL;
        Value *value = NULL;

        cr_assert_eq(msgpack_to_value(copy, n, &value, &error), 0, "%s", error_message(error));
        return value;
}

static void expect_error(const char *bytes, size_t n, const char *words) {
        _cleanup_free_ char *copy = xmemdup(bytes, n);
        _cleanup_error_ Error *error = NULL;
        Value *value = NULL;

        cr_assert_eq(msgpack_to_value(copy, n, &value, &error), -EINVAL);
        cr_assert_null(value);
        cr_assert(strstr(error->message, words), "%s", error->message);
}

static void expect_integer(const char *bytes, size_t n, int64_t expected) {
        _cleanup_value_ Value *value = decode(bytes, n);

        cr_assert_eq(value->type, VALUE_INTEGER);
        cr_assert_eq(value->integer, expected);
}

static void expect_string(const char *bytes, size_t n, const char *expected) {
        _cleanup_value_ Value *value = decode(bytes, n);

        cr_assert_eq(value->type, VALUE_STRING);
        cr_assert_str_eq(value->string, expected);
}

static void expect_float(const char *bytes, size_t n, double expected) {
        _cleanup_value_ Value *value = decode(bytes, n);

        cr_assert_eq(value->type, VALUE_FLOAT);
        cr_assert_float_eq(value->real, expected, 0);
}

Test(msgpack, nothing_is_null) {
        _cleanup_value_ Value *empty = decode("", 0), *nil = DECODE("\xc0");

        cr_assert_eq(empty->type, VALUE_NULL);
        cr_assert_eq(nil->type, VALUE_NULL);
}

Test(msgpack, integers_of_all_forms) {
        expect_integer("\x00", 1, 0);
        expect_integer("\x7f", 1, 127);
        expect_integer("\xcc\x80", 2, 128);
        expect_integer("\xcd\x01\x00", 3, 256);
        expect_integer("\xce\x00\x01\x00\x00", 5, 65536);
        expect_integer("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9, INT64_MAX);
        expect_integer("\xff", 1, -1);
        expect_integer("\xe0", 1, -32);
        expect_integer("\xd0\x80", 2, -128);
        expect_integer("\xd1\x80\x00", 3, -32768);
        expect_integer("\xd2\x80\x00\x00\x00", 5, INT32_MIN);
        expect_integer("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9, INT64_MIN);
}

Test(msgpack, numbers_that_do_not_fit_are_strings) {
        expect_string("\xcf\x80\x00\x00\x00\x00\x00\x00\x00", 9, "9223372036854775808");
        expect_string("\xa3"
                      "0.1",
                4, "0.1");
}

Test(msgpack, floats) {
        expect_float("\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00", 9, 0.5);
        expect_float("\xca\x3f\x00\x00\x00", 5, 0.5);
        EXPECT_ERROR("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", "no finite number");
        EXPECT_ERROR("\x81\xa1x\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "x is no finite number");
}

Test(msgpack, booleans) {
        _cleanup_value_ Value *yes = DECODE("\xc3"), *no = DECODE("\xc2");

        cr_assert_eq(yes->type, VALUE_BOOL);
        cr_assert(yes->boolean);
        cr_assert_eq(no->type, VALUE_BOOL);
        cr_assert_not(no->boolean);
}

Test(msgpack, strings_of_all_forms) {
        expect_string("\xa0", 1, "");
        expect_string("\xa5h\xc3\xa4h!", 6, "häh!");
        expect_string("\xd9\x02hi", 4, "hi");
        expect_string("\xda\x00\x02hi", 5, "hi");
        expect_string("\xdb\x00\x00\x00\x02hi", 7, "hi");
        expect_string("\xc4\x02hi", 4, "hi");
        expect_string("\xc5\x00\x02hi", 5, "hi");
        expect_string("\xc6\x00\x00\x00\x02hi", 7, "hi");
}

Test(msgpack, maps_and_lists_nest) {
        _cleanup_value_ Value *value = DECODE("\x82\xa1"
                                              "a\x93\x01\xc0\x81\xa1"
                                              "b\xa1"
                                              "c\xa1"
                                              "d\xde\x00\x00");
        Value *list = value_get(value, "a");

        cr_assert_eq(value->n_items, 2);
        cr_assert_eq(list->type, VALUE_LIST);
        cr_assert_eq(list->n_items, 3);
        cr_assert_eq(list->items[0]->integer, 1);
        cr_assert_eq(list->items[1]->type, VALUE_NULL);
        cr_assert_str_eq(value_get(list->items[2], "b")->string, "c");
        cr_assert_eq(value_get(value, "d")->type, VALUE_MAP);
        cr_assert_eq(value_get(value, "d")->n_items, 0);

        _cleanup_value_ Value *wide = DECODE(
                "\x93\xdc\x00\x01\x05\xdd\x00\x00\x00\x01\x06\xdf\x00\x00\x00\x01\xa1k\x07");
        cr_assert_eq(wide->items[0]->items[0]->integer, 5);
        cr_assert_eq(wide->items[1]->items[0]->integer, 6);
        cr_assert_eq(value_get(wide->items[2], "k")->integer, 7);
}

Test(msgpack, errors_name_the_place) {
        EXPECT_ERROR("\xa2\x00x", "the configuration has a NUL byte in it");
        EXPECT_ERROR("\x81\xa4user\xa2x\x00", "user has a NUL byte in it");
        EXPECT_ERROR("\x81\xa5mount\x92\x80\x81\xa6source\xa1\xff", "mount[1].source is not valid UTF-8");
        EXPECT_ERROR("\x81\xa3"
                     "bin\xc4\x01\xff",
                "bin is not valid UTF-8");
        EXPECT_ERROR("\x82\xa1x\x01\xa1x\x02", "x is there twice");
        EXPECT_ERROR("\x81\xa1y\x81\x01\x02", "y has a key that is no string");
        EXPECT_ERROR("\x81\xa2k\x00\x01", "has a NUL byte in it");
        EXPECT_ERROR("\x81\xa1z\xd4\x00\x00", "z is of a type that no configuration has");
}

Test(msgpack, what_is_cut_off_or_too_long_is_refused) {
        static const char good[] = "\x82\xa1"
                                   "a\x92\xcd\x01\x00\xc3\xa1"
                                   "b\xd9\x02xy";

        expect_error(good, sizeof(good), "has bytes behind its end");
        for (size_t i = 1; i < sizeof(good) - 1; i++)
                expect_error(good, i, "is no valid msgpack, or is cut off");
        EXPECT_ERROR("\xc1", "no valid msgpack");
        EXPECT_ERROR("\x91\xc1", "no valid msgpack");
}

Test(msgpack, counts_are_not_believed) {
        EXPECT_ERROR("\xdd\xff\xff\xff\xff", "cut off");
        EXPECT_ERROR("\xdf\xff\xff\xff\xff", "cut off");
        EXPECT_ERROR("\xdb\xff\xff\xff\xff", "cut off");
        EXPECT_ERROR("\xc6\xff\xff\xff\xff", "cut off");
        EXPECT_ERROR("\xc9\xff\xff\xff\xff\x01", "cut off");
        EXPECT_ERROR("\xdd\x0a\x00\x00\x00", "cut off");
        EXPECT_ERROR("\x91\xd8\x01", "cut off");
}

Test(msgpack, depth_is_bounded) {
        char bytes[64];
        Value *value = NULL;

        memset(bytes, '\x91', sizeof(bytes));
        expect_error(bytes, sizeof(bytes), "more than 32 levels");
        bytes[32] = '\x01';
        cr_assert_eq(msgpack_to_value(bytes, 33, &value, NULL), 0, "32 levels are allowed");
        value_free(value);
}

Test(msgpack, size_is_bounded) {
        size_t n = MSGPACK_INPUT_MAX + 1;
        _cleanup_free_ char *bytes = xcalloc(n, 1);
        Value *value = NULL;

        expect_error(bytes, n, "bigger than 4 MiB");

        /* An array with as many values as bytes. */
        memcpy(bytes, "\xdd\x00\x3f\xff\x00", 5);
        expect_error(bytes, 5 + 0x3fff00, "more than 65536 values");

        /* A single string that fills the whole input. */
        memcpy(bytes, "\xdb\x00\x3f\xff\xfb", 5);
        memset(bytes + 5, 'x', 0x3ffffb);
        cr_assert_eq(msgpack_to_value(bytes, MSGPACK_INPUT_MAX, &value, NULL), 0);
        cr_assert_eq(strlen(value->string), 0x3ffffb);
        value_free(value);

        memset(bytes, 0, n);
        memcpy(bytes, "\xde\x10\x01", 3);
        for (size_t i = 0; i <= 4096; i++) {
                char pair[32];

                (void) snprintf(pair, sizeof(pair), "\xa4%04zu", i % 10000);
                memcpy(bytes + 3 + i * 6, pair, 5);
        }
        expect_error(bytes, 3 + 4097 * 6, "more than 4096 keys");
}

Test(msgpack, random_changes_do_no_harm) {
        static const char good[] =
                "\x84\xa5image\xa4/img\xa4"
                "boot\xc3\xa5ports\x92\x81\xa1p\xcd\x1f\x90\x80\xa5limit\xcb\x3f\xe0\0\0\0\0\0\0";
        uint32_t seed = 7;

        for (unsigned i = 0; i < 50000; i++) {
                char *bytes = xmemdup(good, sizeof(good) - 1);
                size_t n = sizeof(good) - 1;
                Value *value = NULL;

                for (unsigned j = 0; j < 1 + i % 4; j++) {
                        seed = seed * 1103515245 + 12345;
                        bytes[(seed >> 8) % n] = (char) (seed >> 20);
                }
                n -= (seed >> 5) % 4;
                bytes = xreallocarray(bytes, n, 1);
                if (msgpack_to_value(bytes, n, &value, NULL) >= 0)
                        value_free(value);
                free(bytes);
        }
}
