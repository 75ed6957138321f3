/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>

#include "base/string.h"
#include "base/strv.h"

Test(strv, null_is_the_empty_list) {
        char *none[] = { NULL };
        _cleanup_free_ char *joined = strv_join(NULL, ",");

        cr_assert_eq(strv_length(NULL), 0);
        cr_assert(strv_is_empty(NULL));
        cr_assert(strv_is_empty(none));
        cr_assert(strv_equal(NULL, none));
        cr_assert_not(strv_contains(NULL, ""));
        cr_assert_null(strv_copy(NULL));
        cr_assert_null(strv_copy(none));
        cr_assert_null(strv_free(NULL));
        cr_assert_str_eq(joined, "");
}

Test(strv, append_copies_and_ignores_null) {
        _cleanup_strv_ char **list = NULL;
        char text[] = "one";

        strv_append(&list, NULL);
        cr_assert_null(list);
        strv_append(&list, text);
        text[0] = 'x';
        strv_append(&list, "");
        strv_appendf(&list, "%s%d", "n", 3);
        cr_assert_eq(strv_length(list), 3);
        cr_assert_str_eq(list[0], "one");
        cr_assert_str_eq(list[1], "");
        cr_assert_str_eq(list[2], "n3");
        cr_assert_null(list[3]);
}

Test(strv, consume_owns_the_string) {
        _cleanup_strv_ char **list = NULL;
        char *s = xstrdup("mine");

        strv_consume(&list, s);
        cr_assert_eq(list[0], s);
}

Test(strv, contains_compares_whole_strings) {
        char *list[] = { (char *) "alpha", (char *) "", NULL };

        cr_assert(strv_contains(list, "alpha"));
        cr_assert(strv_contains(list, ""));
        cr_assert_not(strv_contains(list, "alph"));
        cr_assert_not(strv_contains(list, "alphab"));
}

Test(strv, equal_compares_order_and_length) {
        char *a[] = { (char *) "a", (char *) "b", NULL }, *b[] = { (char *) "b", (char *) "a", NULL };
        char *c[] = { (char *) "a", NULL };
        _cleanup_strv_ char **copy = strv_copy(a);

        cr_assert(strv_equal(a, copy));
        cr_assert_neq(copy[0], a[0]);
        cr_assert_not(strv_equal(a, b));
        cr_assert_not(strv_equal(a, c));
        cr_assert_not(strv_equal(c, a));
        cr_assert_not(strv_equal(c, NULL));
}

Test(strv, join_puts_separators_between) {
        char *list[] = { (char *) "a", (char *) "", (char *) "%s", NULL }, *one[] = { (char *) "a", NULL };
        _cleanup_free_ char *three = strv_join(list, ", "), *single = strv_join(one, ", ");

        cr_assert_str_eq(three, "a, , %s");
        cr_assert_str_eq(single, "a");
}

Test(strv, foreach_visits_each_once) {
        char *list[] = { (char *) "a", (char *) "b", NULL };
        size_t n = 0;

        STRV_FOREACH (s, list)
                cr_assert_str_eq(*s, list[n++]);
        STRV_FOREACH (s, (char **) NULL)
                n++;
        cr_assert_eq(n, 2);
}
