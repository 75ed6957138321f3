/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/*
 * Stands between libsystemd's D-Bus and a peer that is not trusted, and passes bytes on.
 *
 * sd-bus reads on for as long as there is something to read, takes messages of up to 128 MiB, and skips
 * those it does not understand (bus_socket_read_message() and dispatch_rqueue() in sd-bus, systemd 252 to
 * 256). A peer that writes without end would hold up the event loop without end, or cost as much memory as
 * it likes. Here it gets a piece in a turn of the loop, a limited number of bytes in all, and no
 * descriptors.
 */
typedef struct Relay Relay;

/**
 * relay_new() - put a relay before a socket
 * @fd:     the peer's; ownership is taken in any case
 * @limit:  most bytes that are taken from the peer; then its side of the connection ends
 * @ret_fd: what to use instead of @fd, owned by the caller
 *
 * Return: 0 or a negative errno.
 */
int relay_new(sd_event *event, int fd, size_t limit, Relay **ret, int *ret_fd);
Relay *relay_free(Relay *relay);
DEFINE_CLEANUP(Relay *, relay_free)

/* Return: whether the peer said more than it may. */
bool relay_is_exceeded(const Relay *relay);
