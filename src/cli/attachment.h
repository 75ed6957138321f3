/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/* A connection to the terminal of a task (base/attach.h). The init at the other end is in the container and
 * not trusted. */
typedef struct Attachment Attachment;

/* None of them may call attachment_free(). */
typedef struct AttachmentCallbacks {
        /* Bytes that the terminal shows, at least one. Not called after attachment_set_reading(a, false). */
        void (*on_output)(void *userdata, const void *bytes, size_t n);
        /* All input that waited is sent. */
        void (*on_drain)(void *userdata);
        /* The init closed the connection (base/attach.h says when it does). The last callback. */
        void (*on_end)(void *userdata);
} AttachmentCallbacks;

/**
 * attachment_new() - connect to the terminal of a task
 * @path:      of the task's socket
 * @callbacks: must live as long as the attachment; no function of the attachment calls them
 *
 * Return: 0; -ENOENT when there is no such socket; -ECONNREFUSED when nobody listens; or another negative
 * errno.
 */
int attachment_new(sd_event *event, const char *path, const AttachmentCallbacks *callbacks, void *userdata,
        Attachment **ret);
Attachment *attachment_free(Attachment *attachment);
DEFINE_CLEANUP(Attachment *, attachment_free)

/* Sends a copy of the input, however much it is. Return: whether there is room for more; if not, on_drain()
 * is called when there is. */
bool attachment_write(Attachment *attachment, const void *bytes, size_t n);

/* Sends the size of the terminal that shows the output. */
void attachment_resize(Attachment *attachment, uint16_t rows, uint16_t columns);

/* False: output is not read until this is called with true. */
void attachment_set_reading(Attachment *attachment, bool reading);
