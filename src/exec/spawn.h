/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "exec/exec.h"

/* The beginning of nspawn-units-helper, which joins a container for a command. */

/* Our ends of what was handed to it; all close-on-exec. */
typedef struct ExecSpawn {
        int helper;                    /* pidfd, a child of ours */
        char *name;                    /* of this helper only, and so of its command until that begins */
        int control;                   /* socket of messages, does not block */
        int input;                     /* where the command's input is written, does not block, or -1 */
        int outputs[_EXEC_STREAM_MAX]; /* or -1 */
} ExecSpawn;

/**
 * exec_spawn() - start the helper
 * @processes: cgroup.procs of the group it is to enter, or -1
 * @manager:   a systemd in the container is to be connected to
 *
 * It runs from a sealed copy in memory: processes of the container that see it for a moment could write to
 * the program's file otherwise, where they have the host's user ids.
 *
 * Return: 0, or a negative errno with @ret_error set.
 */
int exec_spawn(const ExecPlace *place, const ExecSpec *spec, int processes, bool manager, ExecSpawn *ret,
        Error **ret_error);
