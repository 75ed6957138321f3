/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "box.h"

/*
 * The floor below StartTask and StopTask: the very nspawn command line of a task, started and stopped by
 * nothing but calls to systemd. What goes wrong ends the test.
 */
typedef struct Bare Bare;

/**
 * bare_new() - learn how a task is started
 * @job: running; it may end afterwards, but has to be kept, for its directories are used
 *
 * Output goes to nowhere: nobody hands descriptors over.
 */
Bare *bare_new(const Job *job);
Bare *bare_free(Bare *bare);
DEFINE_CLEANUP(Bare *, bare_free)
#define _cleanup_bare_ _cleanup_(bare_freep)

/* Return: seconds from the call to systemd until its job is done, that is until the command runs. */
double bare_start(Bare *bare);

/* Return: seconds from the call to systemd until its job is done, that is until all of it is gone. */
double bare_stop(Bare *bare);

/**
 * bare_exec() - the floor below ExecTask: joins all namespaces of a task, and runs a command there
 * @leader:  pid of the container's first process; the container has a user namespace
 * @command: in the container, an absolute path
 *
 * Return: seconds until it has ended, with 0.
 */
double bare_exec(pid_t leader, char *const *command);
