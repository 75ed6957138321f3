/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/attach.h"

/* The clients on the host that are attached to the payload's terminal (base/attach.h). */

/* Further clients are refused. */
#define ATTACH_CLIENTS_MAX 8
#define ATTACH_POLL_MAX (ATTACH_CLIENTS_MAX + 1)

/*
 * @listener: socket that clients connect to, non-blocking, or -1; @master: of the terminal, non-blocking;
 * @buffer: ATTACH_MESSAGE_MAX bytes, which must stay valid.
 */
void attach_open(int listener, int master, char *buffer);

/* Fills in @fds for poll(). Return: how many entries it has filled in, at most ATTACH_POLL_MAX. */
size_t attach_poll(struct pollfd *fds);

/* Return: milliseconds until attach_serve() must be called even without an event; -1 for no limit. */
int attach_timeout(void);

/* Handles the events that poll() returned for the @n entries of attach_poll(). */
void attach_serve(const struct pollfd *fds, size_t n);

/* Return: whether there is input of a client that the terminal has not taken yet. */
bool attach_has_input(void);

/* Writes as much of that input as the terminal takes. */
void attach_feed(void);

/* Sends a message to all clients; the caller must not change it while attach_is_behind() is true. */
void attach_show(const char *message, size_t n);

/* Return: whether the last message is not yet sent to an attached client. */
bool attach_is_behind(void);

static inline uint64_t clock_msec(void) {
        struct timespec now = {};

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}
