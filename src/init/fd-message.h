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
 * fd_message_peek() - copy the descriptors from the message on a socket
 *
 * The message stays in the socket (MSG_PEEK): systemd keeps the socket, and the next run of the unit reads
 * the same message again.
 *
 * Return: 0, -EBADMSG for an invalid message, or another negative errno.
 */
int fd_message_peek(int socket, FdMessage *ret);

/* As fd_message_peek(), but removes the message from the socket. */
int fd_message_take(int socket, FdMessage *ret);

/* Return: the descriptor of this letter, or -1. */
int fd_message_find(const FdMessage *message, char letter);
