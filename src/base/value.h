/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/string-map.h"

/*
 * A tree of values that does not depend on a format: the msgpack, YAML and JSON parsers all make such trees,
 * and one decoder reads them. A value from a text has its line and column (from 1; 0 is unknown).
 */
typedef enum ValueType {
        VALUE_NULL,
        VALUE_BOOL,
        VALUE_INTEGER,
        VALUE_FLOAT,
        VALUE_STRING,
        VALUE_LIST,
        VALUE_MAP,
        _VALUE_TYPE_MAX,
} ValueType;

typedef struct Value Value;

struct Value {
        ValueType type;
        unsigned line;
        unsigned column;
        union {
                bool boolean;
                int64_t integer;
                double real;
                char *string; /* UTF-8 without NUL */
                struct {
                        Value **items;
                        char **keys;         /* maps only */
                        unsigned *key_lines; /* maps only */
                        unsigned *key_columns;
                        StringIndex index; /* of the keys */
                        size_t n_items;
                };
        };
};

/* Nothing this project reads is nested deeper. */
#define VALUE_DEPTH_MAX 64

Value *value_free(Value *value);
DEFINE_CLEANUP(Value *, value_free)
#define _cleanup_value_ _cleanup_(value_freep)

Value *value_new_null(void);
Value *value_new_bool(bool b);
Value *value_new_integer(int64_t i);
Value *value_new_float(double d);
Value *value_new_string(const char *s);
Value *value_new_list(void);
Value *value_new_map(void);

/* Appends to a list; takes ownership of @item. */
void value_append(Value *list, Value *item);

/**
 * value_set_at() - add a key to a map
 *
 * Takes ownership of @item. @line and @column are the position of the key in the text.
 *
 * Return: 0, or -EEXIST when the map has the key already (@item is freed then).
 */
int value_set_at(Value *map, const char *key, Value *item, unsigned line, unsigned column);
int value_set(Value *map, const char *key, Value *item);

/* Return: the item, owned by the map; NULL when there is none or @map is no map. */
Value *value_get(const Value *map, const char *key);

/* Return: a name for people ("a string", "a list", ...). */
const char *value_type_to_string(ValueType type);
