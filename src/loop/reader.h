/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/* Reads a descriptor from the loop: a pipe, a terminal, a socket or a regular file. */
typedef struct Reader Reader;

/* Most bytes that come at once. */
#define READER_CHUNK 65536

typedef struct ReaderCallbacks {
        /* Some bytes, never none. reader_free() may be called in it. */
        void (*on_data)(void *userdata, const void *bytes, size_t n);
        /* There is no more, @error being a negative errno or 0; the last callback. So it is here. */
        void (*on_end)(void *userdata, int error);
} ReaderCallbacks;

/**
 * reader_new() - read from a descriptor
 * @fd:        ownership is taken in any case; it may block, since it is read when there is something
 * @callbacks: must live as long as the reader; none is called from within this call
 *
 * Return: 0 or a negative errno.
 */
int reader_new(sd_event *event, int fd, const ReaderCallbacks *callbacks, void *userdata, Reader **ret);
Reader *reader_free(Reader *reader);
DEFINE_CLEANUP(Reader *, reader_free)

/* False leaves the bytes where they are; true goes on. */
void reader_set_enabled(Reader *reader, bool enabled);

/**
 * reader_finish() - read what is there by now, and no more
 *
 * For the end of whoever wrote: others may hold the other side open, and write for ever. A terminal's
 * descriptor must not block.
 */
void reader_finish(Reader *reader);

/* Return: whether on_end() was called. */
bool reader_has_ended(const Reader *reader);
