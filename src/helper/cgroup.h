/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/**
 * cgroup_find() - find the path of the unit's control group
 *
 * This process is in that group, or in a group below it that systemd makes because the unit is delegated
 * (systemd.resource-control(5), Delegate=, DelegateSubgroup=).
 *
 * Return: whether the group was found and its path fits into the @size bytes at @ret.
 */
bool cgroup_find(char *ret, size_t size);
