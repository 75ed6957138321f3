/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/* A child of this process that is waited for in the loop, without a handler for SIGCHLD. */
typedef struct Child Child;

/**
 * ChildEnded - a child ended and was reaped; called once
 * @code:   CLD_EXITED, CLD_KILLED or CLD_DUMPED (waitid(2)); 0 when somebody else reaped it
 * @status: exit code or signal
 */
typedef void (*ChildEnded)(void *userdata, int code, int status);

/**
 * child_new() - wait for a child
 * @pidfd: of the child; ownership is taken in any case
 *
 * Needs Linux 5.4 (waitid(2), P_PIDFD).
 *
 * Return: 0 or a negative errno.
 */
int child_new(sd_event *event, int pidfd, ChildEnded ended, void *userdata, Child **ret);

/* Ends the waiting. A child that is still there is reaped by nobody then. */
Child *child_free(Child *child);
DEFINE_CLEANUP(Child *, child_free)

/* Return: 0, or a negative errno; -ESRCH also once it was reaped. */
int child_signal(const Child *child, int signal);

/* Return: its pid, also when it ended; -1 when that was not to be found out. */
pid_t child_pid(const Child *child);

/* Return: whether one of all that are waited for has this pid. */
bool child_is_known(pid_t pid);

bool child_has_ended(const Child *child);
