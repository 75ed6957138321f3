/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/fd-letters.h"

typedef struct FdMessage {
        size_t n;
        char letters[LETTER_MAX];
        int fds[LETTER_MAX]; /* close-on-exec */
} FdMessage;

/**
 * fd_message_peek() - take descriptors from the message
 *
 * The message is only looked at and stays there: systemd keeps the socket, and the next run of the same unit
 * finds it again.
 *
 * Return: 0, -EBADMSG for a strange message, or another negative errno.
 */
int fd_message_peek(int socket, FdMessage *ret);

/* The same, and the message is gone then. */
int fd_message_take(int socket, FdMessage *ret);

/* Return: the descriptor of this letter, or -1. */
int fd_message_find(const FdMessage *message, char letter);
