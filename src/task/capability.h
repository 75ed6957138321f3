/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/**
 * capability_find() - look a capability up by its name
 *
 * Return: its number (linux/capability.h), or -EINVAL when there is none of this name.
 */
int capability_find(const char *name);

/* Return: a bit for each of these capabilities; every bit when "all" is among them. */
uint64_t capability_mask(char *const *names);
