/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "base/string-map.h"
#include "base/string.h"
#include "base/strv.h"
#include "base/value.h"

TestSuite(string_map, .timeout = 30);

Test(string_map, keeps_the_order_and_replaces_in_place) {
        _cleanup_string_map_ StringMap map = {}, copy = {};

        cr_assert_null(string_map_get(&map, "A"));
        string_map_set(&map, "B", "1");
        string_map_set(&map, "A", "");
        string_map_set(&map, "B", "2=3");
        string_map_set(&copy, "gone", "x");
        string_map_copy(&copy, &map);
        string_map_clear(&map);
        cr_assert_eq(map.n, 0);

        _cleanup_strv_ char **list = string_map_to_strv(&copy);
        _cleanup_free_ char *joined = strv_join(list, " ");
        cr_assert_str_eq(joined, "B=2=3 A=");
        cr_assert_str_eq(string_map_get(&copy, "A"), "");
        cr_assert_null(string_map_get(&copy, "gone"));
}

/* With a linear search for each entry this would take minutes. */
Test(string_map, holds_very_many) {
        _cleanup_string_map_ StringMap map = {};
        _cleanup_value_ Value *value = value_new_map();

        for (size_t round = 0; round < 2; round++)
                for (size_t i = 0; i < 200000; i++) {
                        _cleanup_free_ char *key = xasprintf("NAME_OF_SOME_LENGTH_%zu", i);

                        string_map_set(&map, key, round == 0 ? "first" : "second");
                        cr_assert_eq(value_set(value, key, value_new_null()), round == 0 ? 0 : -EEXIST);
                }
        cr_assert_eq(map.n, 200000);
        cr_assert_eq(value->n_items, 200000);
        cr_assert_str_eq(string_map_get(&map, "NAME_OF_SOME_LENGTH_199999"), "second");
        cr_assert_not_null(value_get(value, "NAME_OF_SOME_LENGTH_0"));
        cr_assert_null(value_get(value, "NAME_OF_SOME_LENGTH_200000"));
}
