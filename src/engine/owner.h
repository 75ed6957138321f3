/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * Who looks after a task when the program that started it is gone. A task's record has its owner's id, for
 * one of Nomad's that of the node. An owner keeps what it knows of its tasks in a directory, with a file in
 * it that holds nothing but its id: when that file is gone or holds another id, nobody will ever ask for the
 * owner's tasks again.
 *
 * Where the file is, each program notes below /run when it begins to work for an owner. A task's record
 * does not say it, since the directory may be moved while the task runs.
 */
typedef enum OwnerState {
        OWNER_UNKNOWN, /* nothing is noted of it, or its directory cannot be looked at */
        OWNER_THERE,
        OWNER_LOST,
} OwnerState;

/**
 * owner_note() - note where an owner's file is
 * @path:      the file, absolute
 * @pid:       the owner's process: while it runs, the owner is there whatever becomes of the file
 * @ret_owner: the id in it, owned by the caller
 *
 * Return: 0; -ENOENT when there is no such file; or another negative errno.
 */
int owner_note(const char *path, pid_t pid, char **ret_owner);

/* Return: whether an owner is there; @owner may be NULL. */
OwnerState owner_look(const char *owner);
