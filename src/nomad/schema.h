/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hclspec.pb-c.h"
#include "task/option.h"

/**
 * schema_new() - the schema that Nomad checks a configuration against, from the option table
 * @use: OPTION_IN_JOB or OPTION_IN_DRIVER
 *
 * Maps and blocks are of type "any", which Nomad lets through unchecked: no other type accepts all of `x =
 * {}`, `x {}` and several `x {}`. The decoder of options checks them.
 *
 * Return: the schema; free it with hcl__spec__free_unpacked(schema, NULL).
 */
Hcl__Spec *schema_new(OptionUse use);

/* The same for a table of the caller's own. */
Hcl__Spec *schema_new_of(const OptionTable *table, OptionUse use);
