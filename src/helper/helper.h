/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * helper_ended() - note the end of a unit's run in its task's ledger
 * @argv: [--keep] LEDGER; with --keep the unit's stdin goes into the store of descriptors
 *
 * For ExecStopPost=: what only systemd and the unit's control group know, so that it is known although
 * nobody watched. The ledger's first line says who the task is and stays. Of the rest the last run counts:
 * what our init noted of the payload since the last line of this program.
 *
 * Return: exit status, or -EINVAL for other arguments.
 */
int helper_ended(char **argv);

/**
 * helper_start() - begin a run of a unit
 * @argv: the command, its absolute path first
 *
 * For ExecStart=: puts stdin and stdout back where they were in the unit's first run, from the store of
 * descriptors (sd_listen_fds(3)), and becomes the command.
 *
 * Return: exit status, where it could not; -EINVAL without a command.
 */
int helper_start(char **argv);
