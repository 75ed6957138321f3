/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * helper_ended() - note the end of a unit's run in its task's notes
 * @argv: [--keep] [--unregister] DIRECTORY, that of the task; with --keep the unit's stdin goes into the
 * store of descriptors, with --unregister the name of a container whose nspawn was killed is free for the
 * next run
 *
 * For ExecStopPost=: what only systemd and the unit's control group know, so that it is known although
 * nobody watched; and what our init told of the command's end. Notes of an earlier run are replaced. Without
 * a record in the directory nobody will ask, and nothing is noted. A unit of version 0.1.0 gives the path of
 * its ledger instead of the directory.
 *
 * Return: exit status, or -EINVAL for other arguments.
 */
int helper_ended(char **argv);

/**
 * helper_start() - begin a run of a unit
 * @argv: DIRECTORY, the part of the task's that goes with the unit
 *
 * For ExecStart=: puts stdin and stdout back where they were in the unit's first run, from the store of
 * descriptors (sd_listen_fds(3)), makes the directory's link to the unit's control group, and becomes the
 * command in its file of arguments.
 *
 * Return: exit status, where it could not; -EINVAL for other arguments.
 */
int helper_start(char **argv);

/**
 * helper_may_start() - whether a run of a unit may begin
 * @argv: DIRECTORY, the part of the task's that goes with the unit
 *
 * For ExecCondition=: not once the task is being stopped, whatever its restart policy says. systemd skips
 * the run then, and does not restart the unit (systemd.service(5), ExecCondition=).
 *
 * Return: EXIT_SUCCESS when it may; -EINVAL for other arguments.
 */
int helper_may_start(char **argv);

/**
 * helper_reload() - send the task's process a signal
 * @argv: "command" for the command below an init that is not the image's, or "first" for the container's
 *        first process; the number of the signal
 *
 * For ExecReload=: one signal, and for nobody else, which "systemctl kill" cannot do.
 *
 * Return: exit status, or -EINVAL for other arguments.
 */
int helper_reload(char **argv);

/**
 * helper_stop() - ask a container to end, or end it when it is being terminated
 * @argv: the number of the signal that asks its first process; the machine's name
 *
 * For ExecStop=: comes back when nspawn has ended, or at once when it has already or has no container.
 * "machinectl terminate" is a stop as any other for systemd, but is to end a container at once
 * (machinectl(1)).
 *
 * Return: exit status, or -EINVAL for other arguments.
 */
int helper_stop(char **argv);

/**
 * helper_exec() - run a command in a container
 * @argv: pid of the container's first process; a name of at most 15 bytes, which this process has from then
 *        on, and its command until that begins
 *
 * Its stdin is a socket of type SOCK_SEQPACKET with a message of descriptors (base/fd-letters.h). What comes
 * back there: descriptors, the last of them that of the command, which is a child of the caller's and waits
 * for a byte before it starts; and words where something failed, also when the command could not be
 * executed. Who succeeds and sent no command was not allowed to by the container's filters: the command is
 * the child with the name.
 *
 * Return: exit status, or -EINVAL for other arguments.
 */
int helper_exec(char **argv);
