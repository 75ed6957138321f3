/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * What a task holds outside of its unit and of its directory. systemd does not remove it with the unit, so
 * it is written down before it is made, in the file "holds" of the task's directory, and released by its
 * name. Whoever finds the task over releases it: the helper after a run, the engine with the task, or the
 * sweep of the next driver (engine/sweep.h). To release what is gone already does nothing.
 *
 * A new kind is a row of the table in hold.c. Shared with nspawn-units-helper: needs libc alone.
 */
typedef enum HoldKind {
        HOLD_CONTAINER,      /* what nspawn leaves in /run when it is killed; named as the container */
        HOLD_MACHINE,        /* the container's name at systemd-machined; named as the container */
        HOLD_JOURNAL_FIELDS, /* a drop-in directory with fields for the journal; named as the unit */
        _HOLD_KIND_MAX,
} HoldKind;

/* Sets of kinds. */
#define HOLD_SET(kind) (1U << (kind))
#define HOLDS_ALL (HOLD_SET(_HOLD_KIND_MAX) - 1)

/* Where systemd-machined keeps a file for each container that is registered (machine.c, machine_save()). */
#define MACHINED_DIRECTORY "/run/systemd/machines"

/* The file in the directory of HOLD_JOURNAL_FIELDS (unit/journal-fields.h). */
#define JOURNAL_FIELDS_FILE "50-journal-fields.conf"

/* A line of the file "holds" for snprintf(3): the kind, and the name. */
#define HOLD_LINE "%s %s\n"
#define HOLDS_MAX 4096

/* Return: how the file calls the kind. */
const char *hold_kind_name(HoldKind kind);

/**
 * hold_release() - give back one thing that a task held
 * @name: of a container or unit of ours
 *
 * Does nothing to a container while systemd-machined has a living one of the name in another unit: it is
 * somebody else's.
 *
 * Return: 1 when there was something, 0 when there was nothing to release.
 */
int hold_release(HoldKind kind, const char *name);

/**
 * holds_release() - release what a file says
 * @path:  the file "holds" of a task that is over
 * @kinds: those that are released; others stay
 *
 * Lines that make no sense are passed over.
 *
 * Return: the kinds of which there was something; or a negative errno when there is no file, as with tasks
 * of older versions.
 */
int holds_release(const char *path, unsigned kinds);
