/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * helper_ended() - write down in the task's notes how a run of its unit ended
 * @argv: [--keep] [--unregister] DIRECTORY, the directory of the task; --keep puts the unit's stdin into
 *        systemd's store of descriptors; --unregister frees the name of a container whose nspawn was killed,
 *        for the next run
 *
 * For ExecStopPost=. Notes what only systemd and the unit's control group know, since no driver may be
 * running to see it, and how the command ended, which our init has reported. Keeps the notes of the previous
 * run and drops older ones. Without a record in the directory nobody will read the notes, so none are
 * written. A unit of version 0.1.0 passes the path of its ledger instead of the directory.
 *
 * Return: exit status, or -EINVAL for other arguments.
 */
int helper_ended(char **argv);

/**
 * helper_start() - begin a run of a unit
 * @argv: DIRECTORY, the unit's directory in that of the task
 *
 * For ExecStart=. In a later run, restores stdin and stdout from systemd's store of descriptors
 * (sd_listen_fds(3)). Makes the link to the unit's control group in the directory, and becomes the command
 * in the directory's file of arguments, which is nspawn.
 *
 * Return: exit status on failure; -EINVAL for other arguments.
 */
int helper_start(char **argv);

/**
 * helper_may_start() - whether a run of a unit may begin
 * @argv: DIRECTORY, the unit's directory in that of the task
 *
 * For ExecCondition=. No run may begin once the task is being stopped, whatever its restart policy says.
 * systemd skips the run then, and does not restart the unit (systemd.service(5), ExecCondition=).
 *
 * Return: EXIT_SUCCESS when it may begin, EXIT_FAILURE when not; -EINVAL for other arguments.
 */
int helper_may_start(char **argv);

/**
 * helper_reload() - send the task's process a signal
 * @argv: "command" for the command below an init that is not the image's, or "first" for the container's
 *        first process; the number of the signal
 *
 * For ExecReload=. Signals only this one process, which "systemctl kill" cannot do.
 *
 * Return: exit status, or -EINVAL for other arguments.
 */
int helper_reload(char **argv);

/**
 * helper_stop() - ask a container to end, or end it when it is being terminated
 * @argv: the number of the signal that asks its first process; the machine's name
 *
 * For ExecStop=. Returns when nspawn has ended; at once if it has ended before, or has no container.
 * For systemd, "machinectl terminate" is a stop as any other. But it must end a container at once
 * (machinectl(1)), so this function kills the first process then.
 *
 * Return: exit status, or -EINVAL for other arguments.
 */
int helper_stop(char **argv);

/**
 * helper_exec() - run a command in a container
 * @argv: pid of the container's first process; a process name of at most 15 bytes, for this process and for
 *        the command until it calls execve()
 *
 * stdin is a socket of type SOCK_SEQPACKET with a message of descriptors (base/fd-letters.h). The helper
 * sends descriptors back on it, the last of them LETTER_COMMAND: the command is a child of the helper's
 * parent, and waits for a byte on this socket before it starts. On failure, also of the command's execve(),
 * a message with the reason comes on the socket.
 *
 * If the helper exits with 0 without having sent LETTER_COMMAND, a seccomp filter of the container forbade
 * sendmsg(); the caller then finds the command among its children by the process name.
 *
 * Return: exit status, or -EINVAL for other arguments.
 */
int helper_exec(char **argv);
