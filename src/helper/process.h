/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/*
 * For programs that systemd runs in a unit beside its nspawn: find the container's processes and signal
 * them.
 */

/* The first process of every container, and the command below an init that is not the image's own. */
#define PROCESS_FIRST 1
#define PROCESS_COMMAND 2

/* Return: systemd-nspawn's pid, from $MAINPID (systemd.exec(5)); 0 when it has ended. */
pid_t supervisor_pid(void);

/**
 * process_open() - open a process of the container
 * @supervisor: pid of the container's systemd-nspawn
 * @inner:      pid of the process in the container: PROCESS_FIRST or PROCESS_COMMAND
 *
 * Return: a pidfd, close-on-exec, which never means another process; -ESRCH when there is none, or another
 * negative errno.
 */
int process_open(pid_t supervisor, int inner);

/* Sends a signal. Return: 0 or a negative errno. */
int process_signal(int pidfd, int signal);

/* Return: the number of a signal, 0 when @text is none. */
int signal_parse(const char *text);

/*
 * Ignores all signals that systemd-nspawn, which this process is about to become, does not handle. A signal
 * to the whole unit (systemctl kill) would otherwise end nspawn, and the container with it. nspawn starts
 * the container's first process with default signals (nspawn.c, run_container(), systemd 252 to 257), and
 * our init resets the signals of its payload, too.
 */
void signals_ignore(void);
