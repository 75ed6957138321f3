/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>

#include "systemd/nspawn.h"
#include "task/spec.h"

/* Descriptors of the task's streams; borrowed. -1: the journal takes it. */
typedef struct TaskStreams {
        int output;
        int error;
} TaskStreams;

/**
 * transient_append() - the arguments of StartTransientUnit for a task
 * @m:       an empty call of that method
 * @version: systemd's, for what it knows
 * @host:    stderr_on_stdin is set by this function
 *
 * Return: 0 or a negative errno.
 */
int transient_append(sd_bus_message *m, unsigned version, const TaskSpec *spec, NspawnHost host,
        const TaskStreams *streams);
