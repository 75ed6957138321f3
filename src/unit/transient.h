/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>

#include "unit/nspawn.h"
#include "task/request.h"
#include "task/root.h"

/* What beside the task makes its unit. */
typedef struct UnitHost {
        unsigned version;      /* of systemd */
        bool register_machine; /* systemd-machined is there */
        int output;            /* the task's stdout; -1: the journal takes it */
        int fd_message;        /* socket with what the unit is handed (fd-letters.h), or -1 */
        bool keeps_fd_message; /* over restarts, where systemd does not */
        const char *helper;    /* absolute path of nspawn-units-helper */
        const char *directory; /* of the task (base/task-dir.h) */
        bool keeps_record;     /* record and notes in it outlive the unit */
} UnitHost;

/**
 * transient_append() - the arguments of StartTransientUnit for a task
 * @m:    an empty call of that method
 *
 * What the unit runs is "nspawn-units-helper start DIRECTORY": nspawn's command line is in the task's
 * directory, so that a unit of any length survives a reload of systemd.
 *
 * Return: 0 or a negative errno.
 */
int transient_append(sd_bus_message *m, const TaskRequest *request, const Root *root, const UnitHost *host);
