/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "task/diagnostics.h"

TestSuite(diagnostics, .timeout = 30);

static void expect_string(const Diagnostics *d, const char *wanted) {
        _cleanup_free_ char *text = diagnostics_to_string(d);

        cr_assert_str_eq(text, wanted);
}

Test(diagnostics, nothing_is_no_error) {
        Diagnostics d = { .source = "f" };
        Error *error = NULL;

        cr_assert_null(diagnostics_to_string(&d));
        cr_assert_eq(diagnostics_to_error(&d, &error), 0);
        cr_assert_null(error);
}

Test(diagnostics, a_mistake_is_at_its_option_or_block_or_at_the_beginning) {
        _cleanup_diagnostics_ Diagnostics d = { .source = "f", .line = 1, .column = 2 };

        diagnostics_note(&d, "block", 3, 4, NULL);
        diagnostics_note(&d, "block.member", 5, 6, NULL);
        cr_assert_eq(diagnostics_add(&d, "block.member", EPERM, "a %d", 1), -EPERM);
        cr_assert_eq(diagnostics_add(&d, "block.other", -EINVAL, "b"), -EINVAL);
        (void) diagnostics_add(&d, "block.other.deep", EINVAL, "c");
        (void) diagnostics_add(&d, "blocks", EINVAL, "d");
        (void) diagnostics_add(&d, NULL, EINVAL, "e");
        expect_string(&d,
                "f:5:6: block.member: a 1\nf:3:4: block.other: b\nf:3:4: block.other.deep: c\n"
                "f:1:2: blocks: d\nf:1:2: e");

        _cleanup_error_ Error *error = NULL;
        cr_assert_eq(diagnostics_to_error(&d, &error), -EPERM, "the first one");
        d.source = NULL;
        expect_string(&d, "block.member: a 1\nblock.other: b\nblock.other.deep: c\nblocks: d\ne");
}

Test(diagnostics, options_are_given_and_readable_or_not) {
        _cleanup_diagnostics_ Diagnostics d = {};

        diagnostics_note(&d, "a", 1, 1, NULL);
        cr_assert(diagnostics_is_given(&d, "a"));
        cr_assert_not(diagnostics_is_given(&d, "a.b"));
        cr_assert_not(diagnostics_is_given(&d, "ab"));

        (void) diagnostics_add(&d, "a", EINVAL, "a rule");
        cr_assert_not(diagnostics_is_unread(&d, "a"));
        cr_assert_eq(diagnostics_add_unread(&d, "b", 7, 8, "no"), -EINVAL);
        cr_assert(diagnostics_is_unread(&d, "b"));
        cr_assert(diagnostics_is_unread(&d, "b.member"));
        cr_assert_not(diagnostics_is_unread(&d, "bb"));
        cr_assert_eq(d.items[1].line, 7);
}

/* The message has one line for each mistake. */
Test(diagnostics, a_mistake_is_one_line) {
        _cleanup_diagnostics_ Diagnostics d = {};

        (void) diagnostics_add(&d, "a\nb", EINVAL, "%s", "c\nd\re");
        expect_string(&d, "a b: c d e");
}
