/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/* Writes to a descriptor from the loop, and keeps the bytes that the descriptor does not take yet. */
typedef struct Writer Writer;

/* @error is 0 when all bytes are written, or a negative errno: then no more can be written. */
typedef void (*WriterDrained)(void *userdata, int error);

/**
 * writer_new() - make a writer that has no descriptor yet
 * @drained: called when all bytes that had to wait are written, never from within writer_write()
 *
 * Return: a writer, never NULL.
 */
Writer *writer_new(sd_event *event, WriterDrained drained, void *userdata);
Writer *writer_free(Writer *writer);
DEFINE_CLEANUP(Writer *, writer_free)

/**
 * writer_open() - give the writer its descriptor
 * @fd: must be non-blocking if it is a pipe or a terminal; the process must ignore SIGPIPE unless it is a
 *      socket; the writer owns it from now on, even when this call fails
 *
 * Return: 0 or a negative errno.
 */
int writer_open(Writer *writer, int fd);

/* Copies the bytes and writes them later. Drops them after an error. */
void writer_write(Writer *writer, const void *bytes, size_t n);

/* Closes the descriptor once all is written. Later calls of writer_write() do nothing. */
void writer_close(Writer *writer);

/* Return: whether there was an error, so that writer_write() drops everything. */
bool writer_has_failed(const Writer *writer);

/* Return: how many bytes are not written yet. */
size_t writer_pending(const Writer *writer);

/* Return: the descriptor, -1 while there is none; owned by the writer. */
int writer_fd(const Writer *writer);
