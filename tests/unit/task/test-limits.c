/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "base/string.h"
#include "base/strv.h"
#include "task/limits.h"

TestSuite(limits, .timeout = 30);

/* Return: @prefix, extended with letters to @n bytes. */
static char *long_text(const char *prefix, size_t n) {
        char *text = xcalloc(n + 1, 1);

        memset(text, 'a', n);
        memcpy(text, prefix, strlen(prefix));
        return text;
}

static char *check_words(char **command, char **environment) {
        _cleanup_error_ Error *error = NULL;
        int r = arguments_check(command, environment, &error);

        cr_assert_eq(r, error ? -E2BIG : 0);
        return xstrdup(error ? error->message : "");
}

Test(limits, an_argument_or_variable_may_have_as_much_as_the_kernel_takes) {
        _cleanup_strv_ char **command = NULL, **environment = NULL;

        strv_append(&command, "/bin/true");
        strv_consume(&command, long_text("", 131071));
        strv_consume(&environment, long_text("BIG=", 131071));
        _cleanup_free_ char *words = check_words(command, environment);
        cr_expect_str_eq(words, "");
}

Test(limits, an_argument_that_is_too_long_is_told_by_its_number_and_size) {
        _cleanup_strv_ char **command = NULL;

        strv_append(&command, "/bin/true");
        strv_append(&command, "a");
        strv_consume(&command, long_text("", 131072));
        _cleanup_free_ char *words = check_words(command, NULL);
        cr_expect_str_eq(words,
                "command: argument 2 (0 is the program) has 131072 bytes, at most 131071 are allowed");
}

Test(limits, a_variable_that_is_too_long_is_told_by_its_name_and_size_and_not_its_value) {
        _cleanup_strv_ char **environment = NULL, **named = NULL;

        strv_append(&environment, "SMALL=1");
        strv_consume(&environment, long_text("BIG=", 204804));
        _cleanup_free_ char *words = check_words(NULL, environment);
        cr_expect_str_eq(words,
                "environment: the variable BIG has 204804 bytes with its name, at most 131071 are allowed");

        strv_consume(&named, long_text("", 131072));
        _cleanup_free_ char *long_words = check_words(NULL, named);
        cr_expect_lt(strlen(long_words), 200, "%s", long_words);
}

Test(limits, all_variables_together_are_limited_too) {
        _cleanup_strv_ char **environment = NULL;

        for (int i = 0; i < 100; i++) {
                _cleanup_free_ char *name = xasprintf("VARIABLE%d=", i);

                strv_consume(&environment, long_text(name, 8192));
        }
        _cleanup_free_ char *good = check_words(NULL, environment);
        cr_expect_str_eq(good, "");

        for (int i = 0; i < 50; i++)
                strv_consume(&environment, long_text("MORE=", 8192));
        _cleanup_free_ char *words = check_words(NULL, environment);
        cr_expect_str_eq(words,
                "environment: all variables together have 1229100 bytes, at most 1040384 are allowed");
}

Test(limits, two_thousand_arguments_of_a_kibibyte_are_allowed_and_some_more_are_not) {
        _cleanup_strv_ char **command = NULL;

        for (int i = 0; i < 2000; i++)
                strv_consume(&command, long_text("", 1024));
        _cleanup_free_ char *good = check_words(command, NULL);
        cr_expect_str_eq(good, "");

        for (int i = 0; i < 30; i++)
                strv_consume(&command, long_text("", 1024));
        _cleanup_free_ char *words = check_words(command, NULL);
        cr_expect_not_null(
                strstr(words, "all arguments and variables together take 2096990 bytes"), "%s", words);
}
