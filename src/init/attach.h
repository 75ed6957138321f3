/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/attach.h"

/* Those on the host who are attached to the payload's terminal (base/attach.h). */

/* More are refused. */
#define ATTACH_CLIENTS_MAX 8
#define ATTACH_POLL_MAX (ATTACH_CLIENTS_MAX + 1)

/*
 * @listener: socket that they connect to, non-blocking, or -1; @master: of the terminal, non-blocking;
 * @buffer: ATTACH_MESSAGE_MAX bytes that stay there.
 */
void attach_open(int listener, int master, char *buffer);

/* Fills in what to wait for. Return: how many of @fds there are, at most ATTACH_POLL_MAX. */
size_t attach_poll(struct pollfd *fds);

/* Return: milliseconds until attach_serve() is due whatever happens; -1 for none. */
int attach_timeout(void);

/* Does what poll() says of those @n that attach_poll() filled in. */
void attach_serve(const struct pollfd *fds, size_t n);

/* Return: whether something that was typed waits for the terminal to take it. */
bool attach_has_input(void);

/* Gives the terminal what it takes of that. */
void attach_feed(void);

/* Sends a message to everyone; it must stay as it is while attach_is_behind(). */
void attach_show(const char *message, size_t n);

/* Return: whether somebody who may still take it has not got the last message. */
bool attach_is_behind(void);

static inline uint64_t clock_msec(void) {
        struct timespec now = {};

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}
