/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "bus/system-bus.h"
#include "task/root.h"

/* The search for the image of a task: a path, or a name that systemd-machined knows. */
typedef struct ImageSearch ImageSearch;

/**
 * ImageFound - a search is over
 * @root:  the image, which the callee must take over or clear; NULL when it was not found
 * @error: why the image was not found; EAGAIN when another try may succeed
 */
typedef void (*ImageFound)(void *userdata, Root *root, const Error *error);

/**
 * image_search_new() - look for an image
 * @image:     the option's value; must outlive the search
 * @directory: where a relative path starts; must outlive the search
 *
 * @found is called once from the loop, not from within this call. When the connection is lost, machined may
 * never answer: the caller must then begin the search again.
 *
 * Return: 0 and the search, to be freed by the caller, at the latest when @found was called; or a negative
 * errno with @ret_error set.
 */
int image_search_new(SystemBus *system_bus, const char *image, const char *directory, ImageFound found,
        void *userdata, ImageSearch **ret, Error **ret_error);
ImageSearch *image_search_free(ImageSearch *search);
DEFINE_CLEANUP(ImageSearch *, image_search_free)
