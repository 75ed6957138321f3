/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string-map.h"
#include "base/string.h"

#define SLOTS_MIN 16

/* Return: the slot that has @key, or the free one where it belongs. */
static size_t *find_slot(const StringIndex *index, char *const *keys, const char *key) {
        size_t i = string_hash(key) % index->n_slots;

        while (index->slots[i] && !streq(keys[index->slots[i] - 1], key))
                i = (i + 1) % index->n_slots;
        return &index->slots[i];
}

size_t string_index_find(const StringIndex *index, char *const *keys, const char *key) {
        size_t found = index->n_slots > 0 ? *find_slot(index, keys, key) : 0;

        return found > 0 ? found - 1 : SIZE_MAX;
}

void string_index_add(StringIndex *index, char *const *keys, size_t n) {
        size_t first = n - 1;

        /* At most half of the slots are taken. */
        if (2 * n > index->n_slots) {
                index->n_slots = index->n_slots > 0 ? 2 * index->n_slots : SLOTS_MIN;
                free(index->slots);
                index->slots = xnew(size_t, index->n_slots);
                first = 0;
        }

        for (size_t i = first; i < n; i++)
                *find_slot(index, keys, keys[i]) = i + 1;
}

void string_index_clear(StringIndex *index) {
        free(index->slots);
        *index = (StringIndex){};
}

void string_map_set(StringMap *map, const char *key, const char *value) {
        size_t i = string_index_find(&map->index, map->keys, key);

        if (i != SIZE_MAX) {
                string_replace(&map->values[i], value);
                return;
        }

        map->keys = xgrow(map->keys, map->n, sizeof(char *));
        map->values = xgrow(map->values, map->n, sizeof(char *));
        map->keys[map->n] = xstrdup(key);
        map->values[map->n] = xstrdup(value);
        map->n++;
        string_index_add(&map->index, map->keys, map->n);
}

const char *string_map_get(const StringMap *map, const char *key) {
        size_t i = string_index_find(&map->index, map->keys, key);

        return i != SIZE_MAX ? map->values[i] : NULL;
}

void string_map_copy(StringMap *map, const StringMap *from) {
        StringMap copy = {};

        for (size_t i = 0; i < from->n; i++)
                string_map_set(&copy, from->keys[i], from->values[i]);
        string_map_clear(map);
        *map = copy;
}

char **string_map_to_strv(const StringMap *map) {
        char **list = xnew(char *, map->n + 1);

        for (size_t i = 0; i < map->n; i++)
                list[i] = xasprintf("%s=%s", map->keys[i], map->values[i]);
        return list;
}

void string_map_clear(StringMap *map) {
        for (size_t i = 0; i < map->n; i++) {
                free(map->keys[i]);
                free(map->values[i]);
        }
        free(map->keys);
        free(map->values);
        string_index_clear(&map->index);
        *map = (StringMap){};
}
