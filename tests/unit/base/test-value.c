/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "base/string.h"
#include "base/value.h"

Test(value, scalars_hold_what_they_were_given) {
        _cleanup_value_ Value *null = value_new_null(), *yes = value_new_bool(true);
        _cleanup_value_ Value *least = value_new_integer(INT64_MIN), *half = value_new_float(0.5);
        char text[] = "text";
        _cleanup_value_ Value *string = value_new_string(text);

        text[0] = 'x';
        cr_assert_eq(null->type, VALUE_NULL);
        cr_assert(yes->type == VALUE_BOOL && yes->boolean);
        cr_assert(least->type == VALUE_INTEGER && least->integer == INT64_MIN);
        cr_assert(half->type == VALUE_FLOAT && half->real == 0.5);
        cr_assert_eq(string->type, VALUE_STRING);
        cr_assert_str_eq(string->string, "text");
        cr_assert_eq(string->line, 0);
        cr_assert_null(value_free(NULL));
}

Test(value, lists_keep_order) {
        _cleanup_value_ Value *list = value_new_list();

        cr_assert_eq(list->n_items, 0);
        for (int64_t i = 0; i < 100; i++)
                value_append(list, value_new_integer(i));
        cr_assert_eq(list->n_items, 100);
        for (size_t i = 0; i < 100; i++)
                cr_assert_eq(list->items[i]->integer, (int64_t) i);
}

Test(value, maps_find_whole_keys) {
        _cleanup_value_ Value *map = value_new_map();

        cr_assert_null(value_get(map, "a"));
        cr_assert_eq(value_set(map, "ab", value_new_integer(1)), 0);
        cr_assert_eq(value_set(map, "", value_new_integer(2)), 0);
        cr_assert_eq(value_get(map, "ab")->integer, 1);
        cr_assert_eq(value_get(map, "")->integer, 2);
        cr_assert_null(value_get(map, "a"));
        cr_assert_null(value_get(map, "abc"));
        cr_assert_str_eq(map->keys[0], "ab");
}

Test(value, a_key_twice_is_refused_and_the_first_stays) {
        _cleanup_value_ Value *map = value_new_map();

        cr_assert_eq(value_set_at(map, "a", value_new_integer(1), 3, 4), 0);
        cr_assert_eq(value_set_at(map, "a", value_new_string("leaks unless freed"), 5, 6), -EEXIST);
        cr_assert_eq(map->n_items, 1);
        cr_assert_eq(value_get(map, "a")->integer, 1);
        cr_assert_eq(map->key_lines[0], 3);
        cr_assert_eq(map->key_columns[0], 4);
        cr_assert_eq(value_set(map, "A", value_new_null()), 0);
        cr_assert_eq(map->key_lines[1], 0);
}

Test(value, get_of_what_is_no_map_is_null) {
        _cleanup_value_ Value *list = value_new_list(), *string = value_new_string("a");

        cr_assert_null(value_get(NULL, "a"));
        cr_assert_null(value_get(list, "a"));
        cr_assert_null(value_get(string, "a"));
}

Test(value, trees_are_freed_whole) {
        Value *root = value_new_map(), *inner = root;

        for (int i = 1; i < VALUE_DEPTH_MAX; i++) {
                Value *list = value_new_list(), *map = value_new_map();

                value_append(list, map);
                value_append(list, value_new_string("x"));
                cr_assert_eq(value_set(inner, "list", list), 0);
                inner = map;
        }
        cr_assert_null(value_free(root));
}

Test(value, every_type_has_a_name) {
        for (ValueType type = 0; type < _VALUE_TYPE_MAX; type++)
                cr_assert_not(string_is_empty(value_type_to_string(type)), "type %d", (int) type);
}
