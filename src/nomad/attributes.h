/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "driver.pb-c.h"
#include "engine/engine.h"

/* What InspectTask reports about a task besides its state: names and values, as they were added. */
#define ATTRIBUTES_MAX 16

typedef struct Attributes {
        size_t n;
        Driver__TaskDriverStatus__AttributesEntry rows[ATTRIBUTES_MAX];
        Driver__TaskDriverStatus__AttributesEntry *entries[ATTRIBUTES_MAX]; /* pointers to the rows above */
} Attributes;

void attributes_clear(Attributes *attributes);
#define _cleanup_attributes_ _cleanup_(attributes_clear)

/* @name is not copied: it must live as long as @attributes. */
void attributes_add(Attributes *attributes, const char *name, const char *format, ...) _printf_(3, 4);

/**
 * attributes_add_task() - add what is known about a task
 * @cgroup_root: where control groups are; NULL for the host's
 *
 * Numbers that cannot be measured are left out.
 */
void attributes_add_task(Attributes *attributes, const char *cgroup_root, Task *task);
