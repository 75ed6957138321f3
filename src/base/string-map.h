/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * Finds a string in an array of distinct strings by a hash. The array belongs to the caller, who must call
 * string_index_add() for each string that is appended. Zero-initialised is empty.
 */
typedef struct StringIndex {
        size_t *slots; /* position in the array plus one; 0 is free */
        size_t n_slots;
} StringIndex;

/* Return: the position of @key in @keys, or SIZE_MAX. */
size_t string_index_find(const StringIndex *index, char *const *keys, const char *key);

/* Adds the last of the @n keys to the index. */
void string_index_add(StringIndex *index, char *const *keys, size_t n);
void string_index_clear(StringIndex *index);

/* Strings by name, in the order in which the names were first set. Zero-initialised is empty. */
typedef struct StringMap {
        char **keys;
        char **values;
        size_t n;
        StringIndex index;
} StringMap;

/* Sets @key to a copy of @value; replaces an earlier value and keeps its place in the order. */
void string_map_set(StringMap *map, const char *key, const char *value);

/* Return: the value, owned by the map, or NULL. */
const char *string_map_get(const StringMap *map, const char *key);

/* Makes @map a copy of @from. */
void string_map_copy(StringMap *map, const StringMap *from);

/* Return: a list of KEY=value, owned by the caller (base/strv.h). */
char **string_map_to_strv(const StringMap *map);

/* Frees what @map holds; it is empty then. */
void string_map_clear(StringMap *map);
#define _cleanup_string_map_ _cleanup_(string_map_clear)
