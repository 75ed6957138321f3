/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/system-bus.h"

/* Images that systemd-machined knows by name (org.freedesktop.machine1(5)). */
typedef struct ImageQuery ImageQuery;

/**
 * ImageQueryDone - the image was found or not
 * @path:  where it is on the host; NULL when machined knows no such image, and when it could not be asked
 * @type:  "directory", "subvolume", "raw" or "block"
 * @error: why machined could not be asked: EAGAIN when another try may succeed, ENOENT when there is no
 *         machined; else NULL
 */
typedef void (*ImageQueryDone)(void *userdata, const char *path, const char *type, const Error *error);

/**
 * image_query_new() - ask machined where an image is
 *
 * Return: 0 and the query, to be freed by the caller, at the latest when @done was called; -ENOTCONN without
 * a connection; or another negative errno.
 */
int image_query_new(
        SystemBus *system_bus, const char *name, ImageQueryDone done, void *userdata, ImageQuery **ret);
ImageQuery *image_query_free(ImageQuery *query);
DEFINE_CLEANUP(ImageQuery *, image_query_free)
