/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "task/option.h"

/* Finds the value of an option in its target. Shared by the files that work with tables of options. */

static inline void *option_member(const Option *option, void *target) {
        return (char *) target + option->offset;
}

static inline const void *option_member_const(const Option *option, const void *target) {
        return (const char *) target + option->offset;
}

/* Return: where the number of the array's items is; only for options that are an array. */
static inline size_t *option_count(const Option *option, void *target) {
        return (size_t *) (void *) ((char *) target + option->count_offset);
}

static inline const size_t *option_count_const(const Option *option, const void *target) {
        return (const size_t *) (const void *) ((const char *) target + option->count_offset);
}

/* Return: the structure @i of an OPTION_BLOCKS. */
static inline void *option_element(const Option *option, void *target, size_t i) {
        return *(char **) option_member(option, target) + i * option->block->size;
}

/* Appends copies to the array of an OPTION_BIND. */
void option_add_bind(
        const Option *option, void *target, const char *source, const char *path, bool read_only);

/* Appends a zeroed structure to an OPTION_BLOCKS. Return: the structure. */
void *option_add_block(const Option *option, void *target);
