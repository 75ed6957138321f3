/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/handed.h"

typedef struct Handed {
        size_t n;
        char letters[HANDED_MAX];
        int fds[HANDED_MAX]; /* close-on-exec */
} Handed;

/**
 * handed_peek() - take descriptors from the message
 *
 * The message is only looked at and stays there: systemd keeps the socket, and the next run of the same unit
 * finds it again.
 *
 * Return: 0, -EBADMSG for a strange message, or another negative errno.
 */
int handed_peek(int socket, Handed *ret);

/* The same, and the message is gone then. */
int handed_take(int socket, Handed *ret);

/* Return: the descriptor of this letter, or -1. */
int handed_find(const Handed *handed, char letter);
