/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "task/option.h"

/* Which messages the decoder has for a value that it refuses, and to which place of the text they point. */

/* An option of a text while it is read. */
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
 * Return: the text, owned by the caller; NULL for what is none. Fractions from a text would lose digits
 * (1.10), so there they must be quoted.
 */
char *value_to_text(const Value *value);

/* Each of these returns -EINVAL and adds a mistake that names the option and @wanted, what "must be". */
int refuse_type(const OptionText *text, const Value *value, const char *wanted);
int refuse_string(const OptionText *text, const Value *value, const char *got, const char *wanted);
/* Of a name that no option has: the key @i of @map. */
int refuse_unknown(const OptionText *text, const char *name, const Value *map, size_t i);
