/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "driver.pb-c.h"
#include "nomad/plugin.h"

/* What InspectTask tells of a task beside its state: names and values as texts, in the order they came. */
typedef struct Attributes {
        Driver__TaskDriverStatus__AttributesEntry **entries;
        size_t n_entries;
} Attributes;

void attributes_clear(Attributes *attributes);
#define _cleanup_attributes_ _cleanup_(attributes_clear)

void attributes_add(Attributes *attributes, const char *name, const char *format, ...) _printf_(3, 4);

/* Adds all that is known of a task; numbers that cannot be measured are left out. */
void attributes_add_task(Attributes *attributes, const Plugin *plugin, const Task *task);
