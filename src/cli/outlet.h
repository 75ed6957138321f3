/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "cli/app.h"

/*
 * The output of a task that `nspawnctl run` shows. The task gets pipes, and what it writes into them is
 * passed on to this program's own standard output and error. The task never gets those themselves:
 *
 * - root in a container may not open by name what belongs to a user that the container does not know, so
 *   that /dev/stdout would fail;
 * - a process with a descriptor of a terminal can insert input there, as if the user had typed it
 *   (ioctl_tty(2), TIOCSTI), and the kernel allows that to a task without a user namespace.
 */
typedef struct Outlet Outlet;

/* All that the task wrote has been passed on, or nobody reads it any more. */
typedef void (*OutletDone)(void *userdata);

/**
 * outlet_new() - make the pipes of a task
 *
 * When nobody reads this program's output any more, the pipe is closed, so that the task gets EPIPE.
 *
 * Return: 0, or a negative errno with @ret_error set.
 */
int outlet_new(App *app, OutletDone done, void *userdata, Outlet **ret, Error **ret_error);
Outlet *outlet_free(Outlet *outlet);
DEFINE_CLEANUP(Outlet *, outlet_free)

/* Return: the task's sides of the pipes, owned by the outlet. */
TaskStreams outlet_streams(const Outlet *outlet);

/* Closes the task's sides in this program. To be called once the task has them; may be called again. */
void outlet_close_streams(Outlet *outlet);

/* To be called when the task has ended. Reads what is still in the pipes, and calls done() from the loop
 * when all of it is written. */
void outlet_finish(Outlet *outlet);

/* Return: whether output was lost, which the user was told, because it could not be written. */
bool outlet_has_lost(const Outlet *outlet);
