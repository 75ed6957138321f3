/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/* Reads a descriptor from the loop: a pipe, a terminal, a socket or a regular file. */
typedef struct Reader Reader;

/* The most bytes in one call of on_data(). */
#define READER_CHUNK 65536

typedef struct ReaderCallbacks {
        /* Some bytes, at least one. reader_free() may be called in it. */
        void (*on_data)(void *userdata, const void *bytes, size_t n);
        /* The end of the input: @error is 0, or a negative errno. The last callback; reader_free() may be
         * called in it. */
        void (*on_end)(void *userdata, int error);
} ReaderCallbacks;

/**
 * reader_new() - read from a descriptor
 * @fd:        the reader owns it from now on, even when this call fails; it may block, since the reader
 *             reads only when there is input
 * @callbacks: must live as long as the reader; none is called from within this call
 *
 * Return: 0 or a negative errno.
 */
int reader_new(sd_event *event, int fd, const ReaderCallbacks *callbacks, void *userdata, Reader **ret);
Reader *reader_free(Reader *reader);
DEFINE_CLEANUP(Reader *, reader_free)

/* With false the reader stops reading, and the bytes stay where they are; with true it goes on. */
void reader_set_enabled(Reader *reader, bool enabled);

/**
 * reader_finish() - read what is there by now, and then end
 *
 * To be called when the process that wrote has ended: other processes may hold the other side open, and
 * write for ever. A terminal's descriptor must be non-blocking.
 */
void reader_finish(Reader *reader);

/* Return: whether on_end() was called. */
bool reader_has_ended(const Reader *reader);
