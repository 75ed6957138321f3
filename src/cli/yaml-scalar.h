/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/value.h"

/* The type that the tag of a value asks for; YAML_WANT_ANY for a value without a tag. */
typedef enum YamlWanted {
        YAML_WANT_ANY,
        YAML_WANT_NULL,
        YAML_WANT_BOOL,
        YAML_WANT_INTEGER,
        YAML_WANT_FLOAT,
        YAML_WANT_STRING,
        YAML_WANT_LIST,
        YAML_WANT_MAP,
        _YAML_WANTED_MAX,
        _YAML_WANTED_INVALID = -1,
} YamlWanted;

/* Return: what a tag in its long form asks for, or _YAML_WANTED_INVALID. */
YamlWanted yaml_wanted_from_tag(const char *tag);

/**
 * yaml_scalar_resolve() - make a value of a scalar's text
 * @wanted: a type of scalar, or YAML_WANT_ANY for the one that the text looks like
 *
 * Return: 0 with the value in @ret, owned by the caller; -ERANGE for a number that does not fit; -EINVAL for
 * a text that is not of the wanted type.
 */
int yaml_scalar_resolve(const char *text, YamlWanted wanted, Value **ret);
