/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/* A connection to the terminal of a task (base/attach.h). The other side is in the task, and not trusted. */
typedef struct Attachment Attachment;

/* attachment_free() may not be called in them. */
typedef struct AttachmentCallbacks {
        /* What the terminal shows, never nothing. Is not called after attachment_set_reading(a, false). */
        void (*on_output)(void *userdata, const void *bytes, size_t n);
        /* All input that had to wait is sent. */
        void (*on_drain)(void *userdata);
        /* The other side is gone: the task's run ended, or we were let go. The last callback. */
        void (*on_end)(void *userdata);
} AttachmentCallbacks;

/**
 * attachment_new() - connect
 * @path:      of the socket
 * @callbacks: must live as long as the attachment; none is called from within a function of it
 *
 * Return: 0; -ENOENT when there is no such socket; -ECONNREFUSED when nobody listens; or another negative
 * errno.
 */
int attachment_new(sd_event *event, const char *path, const AttachmentCallbacks *callbacks, void *userdata,
        Attachment **ret);
Attachment *attachment_free(Attachment *attachment);
DEFINE_CLEANUP(Attachment *, attachment_free)

/* Copies input, however much. Return: whether there is room for more; otherwise on_drain() tells. */
bool attachment_write(Attachment *attachment, const void *bytes, size_t n);

/* Tells the size of the terminal that it is shown on. */
void attachment_resize(Attachment *attachment, uint16_t rows, uint16_t columns);

/* False leaves output where it is; true goes on. */
void attachment_set_reading(Attachment *attachment, bool reading);
