/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/* A child of this process; the loop waits for its end, without a handler for SIGCHLD. */
typedef struct Child Child;

/**
 * ChildEnded - a child ended and was reaped; called once
 * @code:   CLD_EXITED, CLD_KILLED or CLD_DUMPED (waitid(2)); 0 when other code of this process reaped it
 * @status: exit code or signal
 */
typedef void (*ChildEnded)(void *userdata, int code, int status);

/**
 * child_new() - wait for a child
 * @pidfd: of the child; child_new() owns it from now on, even when it fails
 *
 * Needs Linux 5.4 (waitid(2), P_PIDFD).
 *
 * Return: 0 or a negative errno.
 */
int child_new(sd_event *event, int pidfd, ChildEnded ended, void *userdata, Child **ret);

/* Stops waiting. Nobody reaps a child that has not ended yet. */
Child *child_free(Child *child);
DEFINE_CLEANUP(Child *, child_free)

/* Sends the child a signal. Return: 0, or a negative errno; -ESRCH also once the child was reaped. */
int child_signal(const Child *child, int signal);

/* Return: the child's pid, even after its end; -1 when child_new() could not find it out. */
pid_t child_pid(const Child *child);

/* Return: whether any Child of this process has this pid. */
bool child_is_known(pid_t pid);

bool child_has_ended(const Child *child);
