/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "exec/exec.h"

/* Starts nspawn-units-helper, which joins a container and runs a command there. */

/* The helper and our ends of its descriptors; all close-on-exec. */
typedef struct ExecSpawn {
        int helper;                    /* pidfd, a child of ours */
        char *name;                    /* process name of the helper, and of its command until execve() */
        int control;                   /* SOCK_SEQPACKET socket to the helper */
        int input;                     /* write end of the command's stdin, does not block, or -1 */
        int outputs[_EXEC_STREAM_MAX]; /* read ends of its stdout and stderr, or -1 */
} ExecSpawn;

/**
 * exec_spawn() - start the helper
 * @processes: cgroup.procs of the group that the helper must enter, or -1
 * @manager:   whether the helper must connect to a systemd in the container
 *
 * The helper runs from a sealed copy in memory. Processes of the container can see it for a moment, and with
 * the host's user ids they could otherwise write to the program's file.
 *
 * Return: 0, or a negative errno with @ret_error set.
 */
int exec_spawn(const ExecPlace *place, const ExecSpec *spec, int processes, bool manager, ExecSpawn *ret,
        Error **ret_error);
