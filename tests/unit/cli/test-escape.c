/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <string.h>

#include "cli/escape.h"

TestSuite(escape, .timeout = 30);

#define KEY "\x1d"

/* Return: whether @text, typed at once at @now_msec, completes the escape sequence. */
static bool type(Escape *escape, const char *text, uint64_t now_msec) {
        return escape_look(escape, text, strlen(text), now_msec * USEC_PER_MSEC);
}

Test(escape, three_times_is_the_way_out_wherever_they_are) {
        static const char *const texts[] = { KEY KEY KEY, "a" KEY KEY KEY, KEY KEY KEY "a",
                KEY KEY "a" KEY KEY KEY };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                cr_expect(type(&(Escape){}, texts[i], 5000), "%zu", i);
}

Test(escape, less_is_not_nor_is_anything_between) {
        static const char *const texts[] = { "", "abc", KEY, KEY KEY, KEY KEY "a" KEY, KEY "a" KEY "a" KEY };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                cr_expect_not(type(&(Escape){}, texts[i], 5000), "%zu", i);
}

Test(escape, keys_come_one_by_one) {
        Escape escape = {};

        cr_expect_not(type(&escape, KEY, 100));
        cr_expect_not(type(&escape, KEY, 600));
        cr_expect(type(&escape, KEY, 1100));
}

Test(escape, a_key_between_begins_anew) {
        Escape escape = {};

        cr_expect_not(type(&escape, KEY KEY, 100));
        cr_expect_not(type(&escape, "x", 150));
        cr_expect_not(type(&escape, KEY KEY, 200));
        cr_expect(type(&escape, KEY, 250));
}

Test(escape, too_slow_is_no_way_out_and_the_last_key_counts_as_the_first) {
        Escape escape = {};

        cr_expect_not(type(&escape, KEY KEY, 100));
        cr_expect_not(type(&escape, KEY, 1101));
        cr_expect_not(type(&escape, KEY, 1200));
        cr_expect(type(&escape, KEY, 2000));
}

Test(escape, zero_bytes_and_all_other_bytes_are_nothing_special) {
        unsigned char bytes[256];
        Escape escape = {};

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (unsigned char) i;
        for (int round = 0; round < 4; round++)
                cr_expect_not(escape_look(&escape, bytes, sizeof(bytes), 0));
}
