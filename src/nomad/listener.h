/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/macro.h"

/* A listening unix socket in the loop, which survives that file descriptors run out. */
typedef struct Listener Listener;

/* @fd is owned by the handler, close-on-exec and non-blocking. */
typedef void (*ListenerHandler)(int fd, void *userdata);

/**
 * listener_new() - accept connections at a path
 * @path:  nothing may be there
 * @group: who may connect beside the owner, (gid_t) -1 for nobody
 *
 * Return: 0, or a negative errno with an error set.
 */
int listener_new(sd_event *event, const char *path, gid_t group, ListenerHandler handler, void *userdata,
        Listener **ret_listener, Error **ret_error);

/* Closes, and removes the socket if the one at the path is still ours. Return: always NULL. */
Listener *listener_free(Listener *listener);
DEFINE_CLEANUP(Listener *, listener_free)
#define _cleanup_listener_ _cleanup_(listener_freep)
