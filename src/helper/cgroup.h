/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/**
 * cgroup_find() - the path of the unit's control group
 *
 * This process is in it, or in a group below it that systemd makes for a unit whose own is delegated
 * (systemd.resource-control(5), Delegate=, DelegateSubgroup=).
 *
 * Return: whether there is one, and its path fits into the @size bytes at @ret.
 */
bool cgroup_find(char *ret, size_t size);
