/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * The owner of a task is responsible for it after the program that started it has ended. A task's record has
 * the id of its owner; the owner of Nomad's tasks is the node. An owner stores the state of its tasks in a
 * directory, together with a file that contains only the owner's id. When that file is gone or contains
 * another id, no owner will ever ask for these tasks again.
 *
 * Each program that begins to work for an owner notes below /run where this file is. A task's record does
 * not say where, since the directory may be moved while the task runs.
 */
typedef enum OwnerState {
        OWNER_UNKNOWN, /* there is no note of the owner, or its directory cannot be read */
        OWNER_THERE,
        OWNER_LOST,
} OwnerState;

/**
 * owner_note() - note where an owner's file is
 * @path:      the file, absolute
 * @pid:       the owner's process; while it runs, the owner is OWNER_THERE even if the file is gone
 * @ret_owner: the id in the file, owned by the caller
 *
 * Return: 0; -ENOENT when there is no such file; or another negative errno.
 */
int owner_note(const char *path, pid_t pid, char **ret_owner);

/* Return: the state of an owner; @owner may be NULL. */
OwnerState owner_look(const char *owner);
