/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Sets @name to @value in an environment; replaces an earlier value. */
void environment_set(char ***environment, const char *name, const char *value);

/* Return: the value of @name, owned by the list, or NULL. */
const char *environment_get(char *const *environment, const char *name);

/* The rule for the name of a variable, for messages: the text behind "must be". */
#define ENVIRONMENT_NAME_WANTED "a name that is not empty and has no = in it"

/* Return: whether a variable can have this name. execve(2) has no other rule. */
bool environment_name_is_valid(const char *name);
