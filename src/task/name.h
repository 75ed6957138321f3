/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* systemd accepts host names, and so machine names, up to this many bytes (sethostname(2)). */
#define MACHINE_NAME_MAX 64

/**
 * machine_name_make() - the name of a task's container
 * @task:     name of the task, any text
 * @instance: a text that tells this task from others of the same name (an allocation id), or NULL
 *
 * The name is TASK-INSTANCE, as with the Go driver. If it has characters that a host name cannot have, they
 * become dashes, and if it is too long, it is cut; a hash of the whole text then keeps it unique. The same
 * input always gives the same name.
 *
 * Return: the name, owned by the caller.
 */
char *machine_name_make(const char *task, const char *instance);

/* Return: whether @machine may be the name of a container, and so a part of a path. */
bool machine_name_is_valid(const char *machine);

/**
 * machine_id_make() - the id of a task's container (machine-id(5))
 * @instance: an allocation id, which is a UUID
 * @task:     name of the task
 *
 * Each task of an allocation gets a different id, because a booted system makes its DHCP client id and the
 * names of its journal files from it. The same input always gives the same id.
 *
 * Return: 32 hex digits, owned by the caller; NULL when @instance is no UUID.
 */
char *machine_id_make(const char *instance, const char *task);

/* Return: the name of the unit of the container @machine, owned by the caller. */
char *unit_name_make(const char *machine);

/* Return: the machine name in the name of one of our units, owned by the caller; NULL for another unit. */
char *unit_name_to_machine(const char *unit);

/* Pattern that the names of all our units match (for ListUnitsByPatterns). */
#define UNIT_NAME_PATTERN "nspawn-*.service"
