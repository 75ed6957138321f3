/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"

/*
 * Removes what a start left behind when the program was killed before systemd knew the unit: secrets, and
 * what the task holds (base/hold.h). Otherwise only the next start with the same name would remove that, and
 * it may never come.
 *
 * A task's directory is swept when systemd says that its unit is dead or unknown, no task of this engine
 * uses it, and it is older than SWEEP_AGE_USEC. A younger directory may belong to a start that is under way;
 * the sweep checks it again later. Of a task that ran, only secrets and holds go: the owner may still ask
 * how it ended, so record and notes stay.
 */
typedef struct Sweep Sweep;

#define SWEEP_AGE_USEC (60 * USEC_PER_SEC)

/* @machine: of the start that was killed; nothing of it is left */
typedef void (*Swept)(void *userdata, const char *machine);

/**
 * sweep_new() - search for leftovers now, and once more when all present directories are old enough
 * @age_usec: SWEEP_AGE_USEC, or less in tests
 * @swept:    called for each killed start, not from within this call; may be NULL
 *
 * Return: the sweep, never NULL; to be freed before the engine is. It needs a connection to systemd, and
 * waits for one.
 */
Sweep *sweep_new(Engine *engine, uint64_t age_usec, Swept swept, void *userdata);
Sweep *sweep_free(Sweep *sweep);
DEFINE_CLEANUP(Sweep *, sweep_free)
