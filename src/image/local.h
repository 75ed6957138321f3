/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "task/spec.h"

/* Images that are on this host already. */

/**
 * image_resolve() - find the image of a task by path
 * @directory: what a relative path is relative to
 *
 * Fills image_path and image_type of @spec.
 *
 * Return: 1 when it was found; 0 when there is no such path and the name may be one that systemd-machined
 * knows; or a negative errno with @ret_error set.
 */
int image_resolve(TaskSpec *spec, const char *directory, Error **ret_error);

/* Takes what systemd-machined says of an image (org.freedesktop.machine1(5)). */
void image_set(TaskSpec *spec, const char *path, const char *machined_type);

/**
 * image_check_command() - see whether a task's command is in its image
 *
 * Only what can be told for sure without running anything: a command with a slash, or an init system to
 * boot, in an image that is a directory, outside of what is mounted into the container. Links are followed
 * inside the image.
 *
 * Return: 0, or -ENOENT with @ret_error set.
 */
int image_check_command(const TaskSpec *spec, Error **ret_error);

/* What helps where an image that is read-only has no place for a mount. */
#define IMAGE_READ_ONLY_HINT \
        "make it in the image, or use volatile = \"overlay\" instead, which keeps the image as it is too"

/**
 * image_check_mounts() - see whether all that is mounted has a place in an image that is not written to
 *
 * Looks at images that are directories, like image_check_command().
 *
 * Return: 0, or -EROFS with @ret_error set, in words that name all places that are missing.
 */
int image_check_mounts(const TaskSpec *spec, Error **ret_error);
