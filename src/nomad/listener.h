/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/macro.h"

/* A listening unix socket in the loop. It still works after file descriptors have run out. */
typedef struct Listener Listener;

/* @fd is owned by the handler, close-on-exec and non-blocking. */
typedef void (*ListenerHandler)(int fd, void *userdata);

/**
 * listener_new() - accept connections at a path
 * @path:  of the socket; nothing may exist there
 * @group: that may connect besides the owner; (gid_t) -1 for none
 *
 * Return: 0, or a negative errno with an error set.
 */
int listener_new(sd_event *event, const char *path, gid_t group, ListenerHandler handler, void *userdata,
        Listener **ret_listener, Error **ret_error);

/* Closes the socket, and removes it if the path is still that of this socket. Return: always NULL. */
Listener *listener_free(Listener *listener);
DEFINE_CLEANUP(Listener *, listener_free)
#define _cleanup_listener_ _cleanup_(listener_freep)
