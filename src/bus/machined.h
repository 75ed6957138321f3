/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/system-bus.h"

/* Images that systemd-machined knows by name (org.freedesktop.machine1(5)). */
typedef struct ImageQuery ImageQuery;

/**
 * ImageQueryDone - the image was found or not
 * @path:  where it is on the host; NULL when there is no such image
 * @type:  "directory", "subvolume", "raw" or "block"
 * @error: what machined said, or NULL
 */
typedef void (*ImageQueryDone)(
        void *userdata, const char *path, const char *type, const sd_bus_error *error);

/* Return: the query, to be freed by the caller, at the latest when @done was called; NULL when it cannot be
 * sent. */
ImageQuery *image_query_new(SystemBus *system_bus, const char *name, ImageQueryDone done, void *userdata);
ImageQuery *image_query_free(ImageQuery *query);
DEFINE_CLEANUP(ImageQuery *, image_query_free)
