/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * The things that a task holds outside of its unit and its directory. systemd does not remove them with the
 * unit. So the engine writes each one into the file "holds" of the task's directory before it is made, and
 * its kind and name are enough to release it. Three callers release it when the task or a run is over: the
 * helper after a run, the engine with the task, and the sweep of the next driver (engine/sweep.h). To
 * release a thing that is gone already does nothing.
 *
 * A new kind needs a row in the table of hold.c. nspawn-units-helper shares this module, so it needs only
 * libc.
 */
typedef enum HoldKind {
        HOLD_CONTAINER,      /* what nspawn leaves in /run when it is killed; the container's name */
        HOLD_MACHINE,        /* the registration at systemd-machined; the container's name */
        HOLD_JOURNAL_FIELDS, /* a drop-in directory with fields for the journal; the unit's name */
        _HOLD_KIND_MAX,
} HoldKind;

/* Sets of kinds. */
#define HOLD_SET(kind) (1U << (kind))
#define HOLDS_ALL (HOLD_SET(_HOLD_KIND_MAX) - 1)

/* Where systemd-machined keeps a file for each registered container (machine.c, machine_save()). */
#define MACHINED_DIRECTORY "/run/systemd/machines"

/* The directory of HOLD_JOURNAL_FIELDS for a unit, and the file in it (unit/journal-fields.h). */
#define JOURNAL_FIELDS_DIRECTORY "/run/systemd/system/%s.d"
#define JOURNAL_FIELDS_FILE "50-journal-fields.conf"

/* Format of a line of the file "holds": the kind and the name. */
#define HOLD_LINE "%s %s\n"
#define HOLDS_MAX 4096

/* Return: the word for the kind in the file "holds". */
const char *hold_kind_name(HoldKind kind);

/**
 * hold_release() - release one thing that a task held
 * @name: of a container or unit of ours
 *
 * Leaves a container alone while systemd-machined has a living one of the same name in another unit: that
 * one is somebody else's.
 *
 * Return: 1 when there was something, 0 when there was nothing to release.
 */
int hold_release(HoldKind kind, const char *name);

/**
 * holds_release() - release what the file "holds" lists
 * @path:  the file "holds" of a task that is over
 * @kinds: the set of kinds to release; others stay
 *
 * Ignores invalid lines.
 *
 * Return: the set of kinds of which something was released; or a negative errno when there is no file, as
 * with tasks of older versions.
 */
int holds_release(const char *path, unsigned kinds);

/**
 * holds_release_any_version() - release what a task holds, whichever version started it
 * @path:    the file "holds" of the task; NULL where the task cannot have one
 * @machine: the task's container
 * @kinds:   those that are released; others stay
 *
 * Tasks of older versions did not write down what they hold; for them the names that such tasks used are
 * tried.
 *
 * Return: the kinds of which there was something.
 */
unsigned holds_release_any_version(const char *path, const char *machine, unsigned kinds);
