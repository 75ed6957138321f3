/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <signal.h>

#include "base/string.h"

Test(string, copies_are_copies_and_empty_ones_work) {
        _cleanup_free_ char *a = xstrdup(""), *b = xstrndup("abc", 2), *c = xstrndup("ab", 9),
                            *d = xmemdup("a\0b", 3);
        _cleanup_free_ char *e = xasprintf("%s-%d", "x", 5), *f = xstrndup("abc", 0);
        _cleanup_free_ void *g = xmemdup(NULL, 0), *h = xcalloc(0, 0);
        const char not_terminated[2] = { 'h', 'i' };
        _cleanup_free_ char *i = xstrndup(not_terminated, 2);

        cr_assert_str_eq(a, "");
        cr_assert_str_eq(b, "ab");
        cr_assert_str_eq(c, "ab");
        cr_assert_eq(memcmp(d, "a\0b", 3), 0);
        cr_assert_str_eq(e, "x-5");
        cr_assert_str_eq(f, "");
        cr_assert_not_null(g);
        cr_assert_not_null(h);
        cr_assert_str_eq(i, "hi");
        cr_assert_null(xstrdup_null(NULL));
}

/* The address sanitizer ends the process itself, with another signal. */
#ifndef __SANITIZE_ADDRESS__
Test(string, a_size_that_overflows_ends_the_process, .signal = SIGABRT) {
        volatile size_t n = SIZE_MAX / 2;

        (void) xreallocarray(NULL, n, 4);
}
#endif

Test(string, comparisons) {
        cr_assert(streq("a", "a"));
        cr_assert_not(streq("a", "A"));
        cr_assert(streq_null(NULL, NULL));
        cr_assert_not(streq_null("", NULL));
        cr_assert_not(streq_null(NULL, ""));
        cr_assert(streq_null("a", "a"));
        cr_assert(string_is_empty(NULL));
        cr_assert(string_is_empty(""));
        cr_assert_not(string_is_empty(" "));
}

Test(string, prefixes_and_suffixes) {
        cr_assert_str_eq(string_after_prefix("abc", "ab"), "c");
        cr_assert_str_eq(string_after_prefix("ab", "ab"), "");
        cr_assert_str_eq(string_after_prefix("ab", ""), "ab");
        cr_assert_null(string_after_prefix("a", "ab"));
        cr_assert_null(string_after_prefix("", "a"));
        cr_assert(string_has_suffix("a.service", ".service"));
        cr_assert(string_has_suffix("a", ""));
        cr_assert(string_has_suffix("", ""));
        cr_assert_not(string_has_suffix("e", ".service"));
        cr_assert_not(string_has_suffix("a.servicex", ".service"));
}

Test(string, replace_takes_parts_of_itself) {
        _cleanup_free_ char *s = xstrdup("abc");

        string_replace(&s, s + 1);
        cr_assert_str_eq(s, "bc");
        string_replace(&s, NULL);
        cr_assert_null(s);
        string_replace(&s, "x");
        cr_assert_str_eq(s, "x");
}

/* Bytes, whether they are valid UTF-8, and the sanitized text: U+FFFD (R) replaces what is not valid. */
static const struct {
        const char *bytes;
        size_t n;
        bool valid;
        const char *clean;
} utf8_rows[] = {
#define R "\xef\xbf\xbd"
        { "", 0, true, "" },
        { "az~", 3, true, "az~" },
        { "\x7f", 1, true, "\x7f" },
        { "\xc2\x80", 2, true, "\xc2\x80" },         /* first of two bytes */
        { "\xdf\xbf", 2, true, "\xdf\xbf" },         /* last */
        { "\xe0\xa0\x80", 3, true, "\xe0\xa0\x80" }, /* first of three */
        { "\xed\x9f\xbf", 3, true, "\xed\x9f\xbf" }, /* last before the surrogates */
        { "\xee\x80\x80", 3, true, "\xee\x80\x80" }, /* first after them */
        { "\xef\xbf\xbf", 3, true, "\xef\xbf\xbf" }, /* last of three */
        { "\xf0\x90\x80\x80", 4, true, "\xf0\x90\x80\x80" },
        { "\xf3\xbf\xbf\xbf", 4, true, "\xf3\xbf\xbf\xbf" },
        { "\xf4\x8f\xbf\xbf", 4, true, "\xf4\x8f\xbf\xbf" }, /* U+10FFFF */
        { "\x80", 1, false, R },
        { "\xbf", 1, false, R },
        { "\xc0\x80", 2, false, R R }, /* overlong NUL */
        { "\xc0\xaf", 2, false, R R }, /* overlong / */
        { "\xc1\xbf", 2, false, R R },
        { "\xe0\x80\xaf", 3, false, R R R }, /* overlong / */
        { "\xe0\x9f\xbf", 3, false, R R R },
        { "\xf0\x80\x80\xaf", 4, false, R R R R }, /* overlong / */
        { "\xf0\x8f\xbf\xbf", 4, false, R R R R },
        { "\xed\xa0\x80", 3, false, R R R },       /* first surrogate */
        { "\xed\xbf\xbf", 3, false, R R R },       /* last surrogate */
        { "\xf4\x90\x80\x80", 4, false, R R R R }, /* U+110000 */
        { "\xf5\x80\x80\x80", 4, false, R R R R },
        { "\xf8\x88\x80\x80\x80", 5, false, R R R R R },
        { "\xfe\xff", 2, false, R R },
        { "a\xc3", 2, false, "a" R }, /* cut off */
        { "\xe2\x82", 2, false, R R },
        { "\xf0\x9f\x98", 3, false, R R R },
        { "\xe2\x28\xa1", 3, false, R "(" R },
        { "\xe2\x82\x28", 3, false, R R "(" },
        { "\xf0\x9f\x28\x80", 4, false, R R "(" R },
        { "\xf0\x9f\x98\x28", 4, false, R R R "(" },
        { "a\xc3\xa9\xff z", 6, false, "a\xc3\xa9" R " z" },
        { "\xc3\xc3\xa9", 3, false, R "\xc3\xa9" },
};

Test(string, utf8_is_told_from_what_only_resembles_it) {
        for (size_t i = 0; i < ELEMENTSOF(utf8_rows); i++) {
                /* A copy without a NUL at its end, so that the address sanitizer sees a read beyond it. */
                _cleanup_free_ char *bytes = xmemdup(utf8_rows[i].bytes, utf8_rows[i].n);

                cr_assert_eq(utf8_is_valid(bytes, utf8_rows[i].n), utf8_rows[i].valid, "row %zu", i);
        }
        cr_assert(utf8_is_valid(NULL, 0));
}

Test(string, sanitized_texts_are_utf8) {
        for (size_t i = 0; i < ELEMENTSOF(utf8_rows); i++) {
                _cleanup_free_ char *bytes = xmemdup(utf8_rows[i].bytes, utf8_rows[i].n);
                _cleanup_free_ char *clean = utf8_sanitize(bytes, utf8_rows[i].n);

                cr_assert_str_eq(clean, utf8_rows[i].clean, "row %zu: %s", i, clean);
                cr_assert(utf8_is_valid(clean, strlen(clean)), "row %zu", i);
        }
}

Test(string, nul_is_valid_but_sanitized_away) {
        _cleanup_free_ char *clean = utf8_sanitize("a\0b", 3);

        cr_assert(utf8_is_valid("a\0b", 3));
        cr_assert_str_eq(clean, "a" R "b");
}

Test(string, u64_is_decimal_and_fits) {
        static const struct {
                const char *text;
                bool good;
                uint64_t value;
        } rows[] = {
                { "0", true, 0 },
                { "007", true, 7 },
                { "18446744073709551615", true, UINT64_MAX },
                { "00000000000000000000000018446744073709551615", true, UINT64_MAX },
                { "18446744073709551616", false },
                { "18446744073709551620", false },
                { "99999999999999999999", false },
                { "184467440737095516150", false },
                { "", false },
                { "-1", false },
                { "+1", false },
                { " 1", false },
                { "1 ", false },
                { "1k", false },
                { "0x1", false },
                { "1.0", false },
                { "\xd9\xa1", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                uint64_t value = 42;

                cr_assert_eq(string_parse_u64(rows[i].text, &value), rows[i].good, "%s", rows[i].text);
                cr_assert_eq(value, rows[i].good ? rows[i].value : 42, "%s", rows[i].text);
        }
}

Test(string, buffers_grow) {
        _cleanup_string_buffer_ StringBuffer buffer = {};
        _cleanup_free_ char *text = NULL;

        for (int i = 0; i < 1000; i++)
                string_buffer_append(&buffer, "%d%%", i % 10);
        cr_assert_eq(buffer.length, 2000);
        cr_assert_eq(strlen(buffer.text), 2000);
        string_buffer_append_bytes(&buffer, "a\0b", 3);
        cr_assert_eq(buffer.length, 2003);

        text = string_buffer_take(&buffer);
        cr_assert_eq(memcmp(text + 1998, "9%a\0b", 6), 0);
        cr_assert_null(buffer.text);
        cr_assert_eq(buffer.length, 0);
        cr_assert_eq(buffer.size, 0);
}

Test(string, an_empty_buffer_is_an_empty_string) {
        _cleanup_string_buffer_ StringBuffer buffer = {};
        _cleanup_free_ char *untouched = string_buffer_take(&buffer), *empty = NULL;

        cr_assert_str_eq(untouched, "");
        string_buffer_append_bytes(&buffer, "", 0);
        cr_assert_str_eq(buffer.text, "");
        empty = string_buffer_take(&buffer);
        cr_assert_str_eq(empty, "");
        string_buffer_clear(&buffer);
        string_buffer_clear(&buffer);
}

Test(string, words_of_strangers_fit_into_a_line) {
        static const struct {
                const char *text;
                size_t max;
                const char *line;
        } rows[] = {
                { "", 5, "" },
                { "as it is \xc3\xa4", 50, "as it is \xc3\xa4" },
                { "a\nb\tc\033[1m\177d", 50, "a b c [1m d" },
                { "a\xc2\x9b"
                  "1mb\xc2\xa0",
                        50, "a 1mb\xc2\xa0" },
                { "\xff", 5, "\xef\xbf\xbd" },
                { "abcdef", 6, "abcdef" },
                { "abcdefg", 6, "abcdef..." },
                { "abcde\xc3\xa4", 6, "abcde..." },
                { "ab\xf0\x9f\x98\x80z", 5, "ab..." },
                { "ab", 0, "..." },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *line = string_make_line(rows[i].text, rows[i].max);

                cr_assert_str_eq(line, rows[i].line, "row %zu", i);
        }
}

Test(string, distance_counts_changed_added_and_missing_letters) {
        static const struct {
                const char *a, *b;
                size_t distance;
        } rows[] = {
                { "", "", 0 },
                { "", "abc", 3 },
                { "abc", "", 3 },
                { "abc", "abc", 0 },
                { "ADMN", "ADMIN", 1 },
                { "ADMIIN", "ADMIN", 1 },
                { "ADNIN", "ADMIN", 1 },
                { "imgae", "image", 2 },
                { "kitten", "sitting", 3 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                cr_expect_eq(string_distance(rows[i].a, rows[i].b), rows[i].distance, "%s", rows[i].a);
                cr_expect_eq(string_distance(rows[i].b, rows[i].a), rows[i].distance, "%s", rows[i].b);
        }
}
