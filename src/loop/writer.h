/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/* Writes to a descriptor from the loop, and keeps what it does not take yet. */
typedef struct Writer Writer;

/* @error is 0 when all that was given is written; otherwise nothing can be written any more. */
typedef void (*WriterDrained)(void *userdata, int error);

/**
 * writer_new() - make a writer that has no descriptor yet
 * @drained: called when a rest that had to wait was written, not from within writer_write()
 *
 * Return: a writer, never NULL.
 */
Writer *writer_new(sd_event *event, WriterDrained drained, void *userdata);
Writer *writer_free(Writer *writer);
DEFINE_CLEANUP(Writer *, writer_free)

/**
 * writer_open() - give the descriptor that is written to
 * @fd: a pipe or a terminal must not block; SIGPIPE is ignored, or it is a socket; ownership is taken in any
 *      case
 *
 * Return: 0 or a negative errno.
 */
int writer_open(Writer *writer, int fd);

/* Copies the bytes. After an error they are dropped. */
void writer_write(Writer *writer, const void *bytes, size_t n);

/* Closes the descriptor once all is written; nothing may be given after that. */
void writer_close(Writer *writer);

/* Return: whether all that is given from now on is dropped, because of an error. */
bool writer_has_failed(const Writer *writer);

/* Return: how many bytes wait. */
size_t writer_pending(const Writer *writer);

/* Return: the descriptor, -1 while there is none; owned by the writer. */
int writer_fd(const Writer *writer);
