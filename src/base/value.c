/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>

#include "base/string.h"
#include "base/value.h"

Value *value_free(Value *value) {
        if (!value)
                return NULL;

        switch (value->type) {
        case VALUE_STRING:
                free(value->string);
                break;
        case VALUE_LIST:
        case VALUE_MAP:
                for (size_t i = 0; i < value->n_items; i++) {
                        value_free(value->items[i]);
                        if (value->keys)
                                free(value->keys[i]);
                }
                free(value->items);
                free(value->keys);
                free(value->key_lines);
                free(value->key_columns);
                string_index_clear(&value->index);
                break;
        default:
                break;
        }

        free(value);
        return NULL;
}

static Value *value_new(ValueType type) {
        Value *value = xnew(Value, 1);

        value->type = type;
        return value;
}

Value *value_new_null(void) {
        return value_new(VALUE_NULL);
}

Value *value_new_bool(bool b) {
        Value *value = value_new(VALUE_BOOL);

        value->boolean = b;
        return value;
}

Value *value_new_integer(int64_t i) {
        Value *value = value_new(VALUE_INTEGER);

        value->integer = i;
        return value;
}

Value *value_new_float(double d) {
        Value *value = value_new(VALUE_FLOAT);

        value->real = d;
        return value;
}

Value *value_new_string(const char *s) {
        Value *value = value_new(VALUE_STRING);

        value->string = xstrdup(s);
        return value;
}

Value *value_new_list(void) {
        return value_new(VALUE_LIST);
}

Value *value_new_map(void) {
        return value_new(VALUE_MAP);
}

void value_append(Value *list, Value *item) {
        assert(list->type == VALUE_LIST);

        list->items = xgrow(list->items, list->n_items, sizeof(Value *));
        list->items[list->n_items++] = item;
}

int value_set_at(Value *map, const char *key, Value *item, unsigned line, unsigned column) {
        assert(map->type == VALUE_MAP);

        if (value_get(map, key)) {
                value_free(item);
                return -EEXIST;
        }

        size_t n = map->n_items;
        map->items = xgrow(map->items, n, sizeof(Value *));
        map->keys = xgrow(map->keys, n, sizeof(char *));
        map->key_lines = xgrow(map->key_lines, n, sizeof(unsigned));
        map->key_columns = xgrow(map->key_columns, n, sizeof(unsigned));
        map->items[n] = item;
        map->keys[n] = xstrdup(key);
        map->key_lines[n] = line;
        map->key_columns[n] = column;
        map->n_items = n + 1;
        string_index_add(&map->index, map->keys, map->n_items);
        return 0;
}

int value_set(Value *map, const char *key, Value *item) {
        return value_set_at(map, key, item, 0, 0);
}

Value *value_get(const Value *map, const char *key) {
        if (!map || map->type != VALUE_MAP)
                return NULL;

        size_t i = string_index_find(&map->index, map->keys, key);
        return i != SIZE_MAX ? map->items[i] : NULL;
}

const char *value_type_to_string(ValueType type) {
        static const char *const names[_VALUE_TYPE_MAX] = {
                [VALUE_NULL] = "nothing",
                [VALUE_BOOL] = "true or false",
                [VALUE_INTEGER] = "a number",
                [VALUE_FLOAT] = "a number",
                [VALUE_STRING] = "a string",
                [VALUE_LIST] = "a list",
                [VALUE_MAP] = "a map",
        };

        assert(type >= 0 && type < _VALUE_TYPE_MAX);
        return names[type];
}
