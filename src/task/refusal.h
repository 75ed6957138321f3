/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "task/option.h"

/* The decoder's messages for a value that it refuses, with the place in the text. */

/* An option of a text that the decoder is reading. */
typedef struct OptionText {
        const OptionTable *table; /* of the whole text */
        OptionUse use;
        const Option *option;
        const char *name; /* BLOCK.MEMBER for a member */
        Diagnostics *d;
} OptionText;

/**
 * value_to_text() - the text of a scalar, as HCL converts it where a string is wanted
 *
 * Return: the text, owned by the caller; NULL for a value without one. Fractions in a YAML file have none:
 * they would lose digits (1.10), so the file must have them in quotes.
 */
char *value_to_text(const Value *value);

/* Each of these returns -EINVAL and adds a mistake that names the option and @wanted (behind "must be"). */
int refuse_type(const OptionText *text, const Value *value, const char *wanted);
int refuse_string(const OptionText *text, const Value *value, const char *got, const char *wanted);
/* Refuses the key @i of @map, because no option has this name. */
int refuse_unknown(const OptionText *text, const char *name, const Value *map, size_t i);
