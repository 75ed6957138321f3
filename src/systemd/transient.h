/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>

#include "systemd/nspawn.h"
#include "task/spec.h"

/* What beside the task makes its unit. */
typedef struct UnitHost {
        NspawnHost nspawn;   /* handover is set by transient_append() */
        int output;          /* the task's stdout; -1: the journal takes it */
        int handover;        /* socket with what the unit is handed (handover.h), or -1 */
        bool keeps_handover; /* over restarts, where systemd does not */
        const char *helper;  /* absolute path of nspawn-units-helper */
        const char *ledger;  /* what it notes the unit's end in, if it is there; named as the machine */
} UnitHost;

/**
 * transient_append() - the arguments of StartTransientUnit for a task
 * @m:    an empty call of that method
 * @host: its nspawn.version says what this systemd knows
 *
 * Return: 0 or a negative errno.
 */
int transient_append(sd_bus_message *m, const TaskSpec *spec, const UnitHost *host);
