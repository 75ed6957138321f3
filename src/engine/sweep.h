/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"

/*
 * Removes what starts have left that were killed before systemd had their unit: secrets, and what such a
 * task holds (base/hold.h). Nobody else does: the next start of the name would, but it may never come.
 *
 * A task's directory is swept when systemd says that its unit is dead or unknown, when no task of this
 * engine has it, and when it is older than SWEEP_AGE_USEC: a younger one may belong to a start that is just
 * being made, and is looked at again later. Of a task that ran only secrets and holds go. Its record and its
 * notes stay, since somebody may still ask how it ended.
 */
typedef struct Sweep Sweep;

#define SWEEP_AGE_USEC (60 * USEC_PER_SEC)

/* @machine: of a start that was killed, of which nothing is left now */
typedef void (*Swept)(void *userdata, const char *machine);

/**
 * sweep_new() - look for what is left, now and once more when all that is there now is old enough
 * @age_usec: for SWEEP_AGE_USEC; tests have less time
 * @swept:    called for each killed start, not from within this call; may be NULL
 *
 * Return: the sweep, never NULL; to be freed before the engine is. It needs a connection to systemd, and
 * waits for one.
 */
Sweep *sweep_new(Engine *engine, uint64_t age_usec, Swept swept, void *userdata);
Sweep *sweep_free(Sweep *sweep);
DEFINE_CLEANUP(Sweep *, sweep_free)
