/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/*
 * Passes bytes between libsystemd's D-Bus and a peer that is not trusted.
 *
 * sd-bus reads for as long as there is input, accepts messages of up to 128 MiB, and skips those that it
 * does not understand (bus_socket_read_message() and dispatch_rqueue() in sd-bus, systemd 252 to 256). So a
 * peer that writes without end would block the event loop, or make us allocate as much memory as it likes.
 * The relay passes on one piece in a turn of the loop, a limited number of bytes in all, and no descriptors.
 */
typedef struct Relay Relay;

/**
 * relay_new() - put a relay before a socket
 * @fd:     socket to the peer; the relay owns it from now on, even when this call fails
 * @limit:  the most bytes to read from the peer; then its side of the connection ends
 * @ret_fd: the socket to use instead of @fd, owned by the caller
 *
 * Return: 0 or a negative errno.
 */
int relay_new(sd_event *event, int fd, size_t limit, Relay **ret, int *ret_fd);
Relay *relay_free(Relay *relay);
DEFINE_CLEANUP(Relay *, relay_free)

/* Return: whether the peer sent more than @limit bytes. */
bool relay_is_exceeded(const Relay *relay);
