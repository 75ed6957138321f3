/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/* Processes of a container as those see them who run beside its nspawn, and signals for them. */

/* The first process of every container, and the command below an init that is not the image's own. */
#define PROCESS_FIRST 1
#define PROCESS_COMMAND 2

/* Return: systemd-nspawn's pid, which systemd tells (systemd.exec(5), $MAINPID); 0 when it has ended. */
pid_t supervisor_pid(void);

/**
 * process_open() - open a process of the container that a systemd-nspawn looks after
 * @inner: its pid in there: PROCESS_FIRST or PROCESS_COMMAND
 *
 * Return: a pidfd, close-on-exec, which never means another process; -ESRCH when there is none, or another
 * negative errno.
 */
int process_open(pid_t supervisor, int inner);

/* Return: 0 or a negative errno. */
int process_signal(int pidfd, int signal);

/* Return: the number of a signal, 0 when @text is none. */
int signal_parse(const char *text);

/*
 * Has systemd-nspawn, which this process is about to become, ignore the signals that it has no use for. It
 * gets what is sent to the unit (systemctl kill), and would be ended by it and end the container. What is in
 * the container starts with default signals (nspawn.c, run_container(), systemd 252 to 257), and so does
 * whatever our init starts.
 */
void signals_ignore(void);
