/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/**
 * capability_find() - look a capability up by its name
 *
 * Return: its number (linux/capability.h), or -EINVAL when there is none of this name.
 */
int capability_find(const char *name);

/* Return: a bit for each of these capabilities; every bit when "all" is among them. */
uint64_t capability_mask(char *const *names);

/* Return: the number of the last capability that the kernel of this host has. */
int capability_last(void);

/**
 * capability_spell() - find out which capability a text means
 * @text:     a name in upper or lower case, with CAP_ or, as in Docker, without; or all
 * @last:     number of the last capability that the kernel has
 * @ret_name: the name in its plain spelling, such as CAP_NET_ADMIN, or "all"; owned by the caller
 *
 * Return: NULL when @text is valid; else a text that says what is allowed, with the name most similar to
 * @text, owned by the caller.
 */
char *capability_spell(const char *text, int last, char **ret_name);
