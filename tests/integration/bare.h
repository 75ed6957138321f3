/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "box.h"

/*
 * The lower bound for StartTask and StopTask: the nspawn command line of a task, started and stopped with
 * nothing but calls to systemd. Any failure ends the test.
 */
typedef struct Bare Bare;

/**
 * bare_new() - copy the nspawn command line of a task
 * @job: must be running; it may end afterwards, but must not be freed, because its directories are used
 *
 * The output is dropped.
 */
Bare *bare_new(const Job *job);
Bare *bare_free(Bare *bare);
DEFINE_CLEANUP(Bare *, bare_free)
#define _cleanup_bare_ _cleanup_(bare_freep)

/* Return: seconds from the call to systemd until its job is done, that is until the command runs. */
double bare_start(Bare *bare);

/* Return: seconds from the call to systemd until its job is done, that is until the unit is gone. */
double bare_stop(Bare *bare);

/**
 * bare_exec() - the lower bound for ExecTask: join all namespaces of a task and run a command there
 * @leader:  pid of the container's first process; the container has a user namespace
 * @command: in the container, an absolute path
 *
 * Return: seconds until the command has exited with 0.
 */
double bare_exec(pid_t leader, char *const *command);
