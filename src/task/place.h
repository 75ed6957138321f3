/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "task/option.h"

/* What the decoder of options says of a value that it refuses, and where that stands. */

/* Where a message points to. */
typedef struct Place {
        const char *source; /* name of the file, or NULL */
        OptionUse use;
        const Option *option;
        const Value *value;
} Place;

/* Return: what a message begins with, "SOURCE:LINE:COLUMN: " or nothing; owned by the caller. */
char *place_prefix(const char *source, unsigned line, unsigned column);

/**
 * value_to_text() - the text of a scalar, as HCL converts it where a string is wanted
 *
 * Return: the text, owned by the caller; NULL for what is none. Fractions from a text would lose digits
 * (1.10), so there they must be quoted.
 */
char *value_to_text(const Value *value);

/* Each of them returns -EINVAL and sets @ret_error, in words that name the option and what is wanted. */
int place_refuse_type(const Place *place, const Value *value, const char *wanted, Error **ret_error);
int place_refuse_string(
        const Place *place, const Value *value, const char *got, const char *wanted, Error **ret_error);
/* Of the key @i of a map, which is the block @block or, where that is NULL, the whole configuration. */
int place_refuse_unknown(
        const Place *place, const Option *block, const Value *map, size_t i, Error **ret_error);
