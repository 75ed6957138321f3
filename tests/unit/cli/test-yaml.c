/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <locale.h>
#include <math.h>

#include "base/string.h"
#include "cli/yaml.h"

TestSuite(yaml, .timeout = 30);

static Value *read_good(const char *text) {
        _cleanup_error_ Error *error = NULL;
        Value *value = NULL;
        int r = yaml_read(text, strlen(text), "t.yaml", &value, &error);

        cr_assert_eq(r, 0, "%s: %s", text, error_message(error));
        cr_assert_null(error);
        return value;
}

/* Return: the message of the error. */
static char *read_bad_bytes(const char *text, size_t n, int code) {
        _cleanup_error_ Error *error = NULL;
        Value *value = NULL;

        cr_assert_eq(yaml_read(text, n, "t.yaml", &value, &error), -code, "%s", text);
        cr_assert_null(value);
        cr_assert_not_null(error);
        cr_assert(utf8_is_valid(error->message, strlen(error->message)));
        cr_assert_eq(yaml_read(text, n, "t.yaml", &value, NULL), -code);
        return xstrdup(error->message);
}

static void expect_bad(const char *text, const char *message) {
        _cleanup_free_ char *got = read_bad_bytes(text, strlen(text), EINVAL);

        cr_assert_str_eq(got, message, "%s\n%s", text, got);
}

static void expect_string(const char *text, const char *string) {
        _cleanup_value_ Value *value = read_good(text);

        cr_assert_eq(value->type, VALUE_STRING, "%s: %s", text, value_type_to_string(value->type));
        cr_assert_str_eq(value->string, string);
}

Test(yaml, plain_scalars_that_are_null_or_boolean) {
        static const struct {
                const char *text;
                ValueType type;
                bool boolean;
        } rows[] = {
                { "null", VALUE_NULL },
                { "Null", VALUE_NULL },
                { "NULL", VALUE_NULL },
                { "~", VALUE_NULL },
                { "", VALUE_NULL },
                { "---\n", VALUE_NULL },
                { "# comment\n", VALUE_NULL },
                { "true", VALUE_BOOL, true },
                { "True", VALUE_BOOL, true },
                { "TRUE", VALUE_BOOL, true },
                { "false", VALUE_BOOL, false },
                { "False", VALUE_BOOL, false },
                { "FALSE", VALUE_BOOL, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_value_ Value *value = read_good(rows[i].text);

                cr_assert_eq(value->type, rows[i].type, "%s", rows[i].text);
                if (value->type == VALUE_BOOL)
                        cr_assert_eq(value->boolean, rows[i].boolean);
        }
}

Test(yaml, integers) {
        static const struct {
                const char *text;
                int64_t integer;
        } rows[] = {
                { "0", 0 },
                { "-0", 0 },
                { "7", 7 },
                { "+7", 7 },
                { "-7", -7 },
                { "0x1F", 31 },
                { "0xff", 255 },
                { "0o17", 15 },
                { "9223372036854775807", INT64_MAX },
                { "-9223372036854775808", INT64_MIN },
                { "0x7fffffffffffffff", INT64_MAX },
                { "!!int 5", 5 },
                { "!!int '5'", 5 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_value_ Value *value = read_good(rows[i].text);

                cr_assert_eq(value->type, VALUE_INTEGER, "%s", rows[i].text);
                cr_assert_eq(value->integer, rows[i].integer, "%s", rows[i].text);
        }
}

Test(yaml, floats) {
        static const struct {
                const char *text;
                double real;
        } rows[] = {
                { "1.5", 1.5 },
                { "-.5", -.5 },
                { "+1.", 1 },
                { "1e3", 1000 },
                { "1.5E-1", .15 },
                { ".inf", INFINITY },
                { "-.Inf", -INFINITY },
                { "+.INF", INFINITY },
                { "!!float 2", 2 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_value_ Value *value = read_good(rows[i].text);

                cr_assert_eq(value->type, VALUE_FLOAT, "%s", rows[i].text);
                cr_assert(value->real == rows[i].real, "%s", rows[i].text);
        }

        _cleanup_value_ Value *nan = read_good(".NaN");
        cr_assert(nan->type == VALUE_FLOAT && isnan(nan->real));
}

Test(yaml, floats_do_not_depend_on_the_locale) {
        static const char *const locales[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE" };
        const char *set = NULL;

        for (size_t i = 0; i < ELEMENTSOF(locales) && !set; i++)
                set = setlocale(LC_ALL, locales[i]);
        if (!set)
                cr_skip_test("no locale with a decimal comma here");
        _cleanup_value_ Value *value = read_good("1.25");
        cr_assert(value->real == 1.25);
}

Test(yaml, what_only_looks_special_is_a_string) {
        static const char *const rows[] = { "yes", "no", "on", "off", "y", "nULL", "tRUE", "007", "00.5",
                "0755", "-01", "+", ".", "-.", "1e", "1e+", "e1", "0x", "0o", "0o8", "0xg", "-0x1", "0b1",
                "1_000", "1:30", "1.2.3", ".nanx", "-.nan", "inf", "nan", "0x1p3", "2024-01-01",
                "true false", "1 2" };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                expect_string(rows[i], rows[i]);
}

Test(yaml, quoted_and_block_scalars_are_strings) {
        expect_string("'true'", "true");
        expect_string("\"12\"", "12");
        expect_string("''", "");
        expect_string("! '12'", "12");
        expect_string("!!str 12", "12");
        expect_string("!!str", "");
        expect_string("!!str true", "true");
        expect_string("|\n  12\n", "12\n");
        expect_string(">-\n  a\n  b\n", "a b");
        expect_string("\"\\u00e9\\U0001F600\\n\"", "\xc3\xa9\xf0\x9f\x98\x80\n");
}

Test(yaml, lists_and_maps_keep_order_and_places) {
        _cleanup_value_ Value *value = read_good("b: 1\na:\n  - x\n  - {k: [~, 2.5]}\n\"\": e\n");

        cr_assert_eq(value->type, VALUE_MAP);
        cr_assert_eq(value->n_items, 3);
        cr_assert_eq(value->line, 1);
        cr_assert_eq(value->column, 1);
        cr_assert_str_eq(value->keys[0], "b");
        cr_assert_str_eq(value->keys[1], "a");
        cr_assert_str_eq(value->keys[2], "");
        cr_assert_eq(value->items[0]->column, 4);
        cr_assert_eq(value->key_lines[1], 2);
        cr_assert_eq(value->key_columns[1], 1);

        const Value *list = value_get(value, "a");
        cr_assert_eq(list->type, VALUE_LIST);
        cr_assert_eq(list->n_items, 2);
        cr_assert_eq(list->line, 3);
        cr_assert_eq(list->column, 3);
        cr_assert_eq(list->items[0]->column, 5);

        const Value *map = list->items[1];
        cr_assert_eq(map->line, 4);
        cr_assert_eq(map->key_columns[0], 6);
        cr_assert_eq(value_get(map, "k")->items[0]->type, VALUE_NULL);
        cr_assert_eq(value_get(map, "k")->items[1]->column, 13);
}

Test(yaml, keys_are_texts_whatever_they_look_like) {
        _cleanup_value_ Value *value = read_good("1: a\ntrue: b\n~: c\n!!str x: d\n'<<': e\n");

        cr_assert_not_null(value_get(value, "1"));
        cr_assert_not_null(value_get(value, "true"));
        cr_assert_not_null(value_get(value, "~"));
        cr_assert_not_null(value_get(value, "x"));
        cr_assert_not_null(value_get(value, "<<"));
}

Test(yaml, tags_of_the_core_are_accepted) {
        static const char *const rows[] = { "!!map {}", "!!seq []", "!!null ''", "!!bool true",
                "!<tag:yaml.org,2002:str> x" };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                value_free(read_good(rows[i]));
}

Test(yaml, mistakes_are_told_with_their_place) {
        static const struct {
                const char *text, *message;
        } rows[] = {
                { "a: 1\nb: 2\na: 3\n", "t.yaml:3:1: the key \"a\" is already in line 1" },
                { "x:\n  a: 1\n  'a': [1]\n", "t.yaml:3:3: the key \"a\" is already in line 2" },
                { "a: &x 1\n",
                        "t.yaml:1:4: anchors (&) and aliases (*) are not supported; quote a text that "
                        "begins so" },
                { "&x a: 1\n",
                        "t.yaml:1:1: anchors (&) and aliases (*) are not supported; quote a text that "
                        "begins so" },
                { "a: &x\n  b: 1\n",
                        "t.yaml:1:4: anchors (&) and aliases (*) are not supported; quote a text that "
                        "begins so" },
                { "- &x [1]\n",
                        "t.yaml:1:3: anchors (&) and aliases (*) are not supported; quote a text that "
                        "begins so" },
                { "a: *x\n",
                        "t.yaml:1:4: anchors (&) and aliases (*) are not supported; quote a text that "
                        "begins so" },
                { "a: 1\n<<: {b: 2}\n", "t.yaml:2:1: merge keys (<<) are not supported" },
                { "? [a]\n: 1\n", "t.yaml:1:3: a list cannot be a key" },
                { "? {a: b}\n: 1\n", "t.yaml:1:3: a map cannot be a key" },
                { "?\n: 1\n", "t.yaml:1:2: there is no key before the colon" },
                { "!!int 1: x\n", "t.yaml:1:1: keys are texts, so they have no such tag" },
                { "a: !foo 1\n", "t.yaml:1:4: the tag \"!foo\" is not supported" },
                { "a: !!binary aGk=\n",
                        "t.yaml:1:4: the tag \"tag:yaml.org,2002:binary\" is not supported" },
                { "a: !!set {}\n", "t.yaml:1:4: the tag \"tag:yaml.org,2002:set\" is not supported" },
                { "a: !!int x\n", "t.yaml:1:4: \"x\" is not what its tag says" },
                { "a: !!map x\n", "t.yaml:1:4: \"x\" is not what its tag says" },
                { "a: !!bool yes\n", "t.yaml:1:4: \"yes\" is not what its tag says" },
                { "a: !!seq {}\n", "t.yaml:1:4: a map is not what its tag says" },
                { "a: !!str []\n", "t.yaml:1:4: a list is not what its tag says" },
                { "a: 9223372036854775808\n",
                        "t.yaml:1:4: the number 9223372036854775808 is too large; quote it if it is a "
                        "text" },
                { "-9223372036854775809",
                        "t.yaml:1:1: the number -9223372036854775809 is too large; quote it if it is a "
                        "text" },
                { "1e999", "t.yaml:1:1: the number 1e999 is too large; quote it if it is a text" },
                { "a: 1\n---\nb: 2\n", "t.yaml:2:1: there is more than one document" },
                { "---\n---\n", "t.yaml:2:1: there is more than one document" },
                { "a: \"x\\0y\"\n", "t.yaml:1:4: a text must not contain NUL (\\0)" },
                { "a: [1\nb: 2\n",
                        "t.yaml:2:2: did not find expected ',' or ']' "
                        "(while parsing a flow sequence that began in line 1)" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                expect_bad(rows[i].text, rows[i].message);
}

Test(yaml, long_texts_are_shown_short_and_in_one_line) {
        _cleanup_free_ char *text = xasprintf("\"a\\n%0*d\xc3\xa9%0*d\": 1\n", 57, 0, 400, 0);
        _cleanup_free_ char *twice = xasprintf("%s%s", text, text);
        _cleanup_free_ char *got = read_bad_bytes(twice, strlen(twice), EINVAL);

        cr_assert_not_null(strstr(got, "the key \"a?0"), "%s", got);
        cr_assert_lt(strlen(got), 200);
}

Test(yaml, bytes_that_are_no_text_are_told_with_their_place) {
        static const struct {
                const char *text;
                size_t n;
        } rows[] = {
                { "a: x\nb: \xc3\xa9\xff\n", 11 },
                { "a: x\nb: y\xc0\x80\n", 12 },
                { "a: x\nb: y\xed\xa0\x80\n", 13 },
                { "a: x\nb: y\0\n", 11 },
                { "a: x\nb: y\x01\n", 11 },
                { "a: x\nb: y\xf4\x90\x80\x80\n", 14 },
                { "a: x\nb: y\xc3", 10 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *got = read_bad_bytes(rows[i].text, rows[i].n, EINVAL);

                cr_assert_not_null(
                        string_after_prefix(got, "t.yaml:2:5: not valid text: "), "%zu: %s", i, got);
        }

        expect_bad("\"\\ud800\"",
                "t.yaml:1:4: found invalid Unicode character escape code "
                "(while parsing a quoted scalar that began in line 1)");
}

Test(yaml, a_byte_order_mark_is_skipped_and_utf16_refused) {
        _cleanup_value_ Value *value = read_good("\xef\xbb\xbf"
                                                 "a: 1\n");
        cr_assert_not_null(value_get(value, "a"));

        free(read_bad_bytes("\xff\xfe"
                            "a\0",
                4, EINVAL));
}

/* Return: @n times @open, then @n times @close. */
static char *nested(size_t n, const char *open, const char *close) {
        StringBuffer buffer = {};

        for (size_t i = 0; i < n; i++)
                string_buffer_append_bytes(&buffer, open, strlen(open));
        for (size_t i = 0; i < n; i++)
                string_buffer_append_bytes(&buffer, close, strlen(close));
        return string_buffer_take(&buffer);
}

Test(yaml, depth_is_limited) {
        _cleanup_free_ char *good = nested(VALUE_DEPTH_MAX, "[", "]"),
                            *deep = nested(VALUE_DEPTH_MAX + 1, "[", "]");
        _cleanup_free_ char *lists = nested(YAML_SIZE_MAX / 2, "- ", ""),
                            *flow = nested(YAML_SIZE_MAX, "[", "");
        _cleanup_free_ char *maps = nested(YAML_SIZE_MAX / 3, "{a:", "");

        value_free(read_good(good));
        expect_bad(deep, "t.yaml:1:65: lists and maps are nested deeper than 64 levels");
        expect_bad(flow, "t.yaml:1:65: lists and maps are nested deeper than 64 levels");
        expect_bad(lists, "t.yaml:1:129: lists and maps are nested deeper than 64 levels");
        free(read_bad_bytes(maps, strlen(maps), EINVAL));
}

Test(yaml, size_is_limited) {
        _cleanup_free_ char *text = xcalloc(YAML_SIZE_MAX + 2, 1), *got = NULL;

        memset(text, 'x', YAML_SIZE_MAX);
        expect_string(text, text);
        text[YAML_SIZE_MAX] = 'x';
        got = read_bad_bytes(text, YAML_SIZE_MAX + 1, E2BIG);
        cr_assert_str_eq(got, "t.yaml: larger than 8388608 bytes");
}

Test(yaml, keys_of_a_map_are_limited) {
        _cleanup_string_buffer_ StringBuffer buffer = {};

        for (int i = 0; i < 4096; i++)
                string_buffer_append(&buffer, "k%d: 1\n", i);
        value_free(read_good(buffer.text));
        string_buffer_append(&buffer, "k: 1\n");
        expect_bad(buffer.text, "t.yaml:4097:1: a map has more than 4096 keys");
}
