/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "base/error.h"

Test(error, set_returns_the_negative_errno_for_either_sign) {
        _cleanup_error_ Error *a = NULL, *b = NULL;

        cr_assert_eq(error_set(&a, ENOENT, "no %s at %d", "thing", 7), -ENOENT);
        cr_assert_eq(a->code, ENOENT);
        cr_assert_str_eq(a->message, "no thing at 7");
        cr_assert_eq(error_set(&b, -EBUSY, "busy"), -EBUSY);
        cr_assert_eq(b->code, EBUSY);
}

Test(error, set_without_a_place_only_returns) {
        cr_assert_eq(error_set(NULL, EINVAL, "%s", "nobody reads this"), -EINVAL);
}

Test(error, prefix_comes_in_front_and_keeps_the_code) {
        _cleanup_error_ Error *error = NULL;

        (void) error_set(&error, EPERM, "must not, 100%%");
        cr_assert_eq(error_prefix(&error, "task \"%s\"", "web"), -EPERM);
        cr_assert_str_eq(error->message, "task \"web\": must not, 100%");
        cr_assert_eq(error_prefix(&error, "job"), -EPERM);
        cr_assert_str_eq(error_message(error), "job: task \"web\": must not, 100%");
}

Test(error, prefix_without_an_error_does_nothing) {
        Error *error = NULL;

        cr_assert_eq(error_prefix(NULL, "x"), -EIO);
        cr_assert_eq(error_prefix(&error, "x"), -EIO);
        cr_assert_null(error);
}

Test(error, another_one_is_one_more_line) {
        _cleanup_error_ Error *error = NULL;

        (void) error_set(&error, EPERM, "a");
        cr_assert_eq(error_set(&error, EINVAL, "b %d", 1), -EINVAL);
        (void) error_set(&error, EINVAL, "c");
        cr_assert_str_eq(error->message, "a\nb 1\nc");
        cr_assert_eq(error->code, EPERM);
}

Test(error, message_is_never_null) {
        cr_assert_not_null(error_message(NULL));
        cr_assert_null(error_free(NULL));
}
