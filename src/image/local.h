/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "task/request.h"
#include "task/root.h"

/* Images that are on this host already. */

/**
 * image_resolve() - find the image of a task by path
 * @image:     the option's value
 * @directory: where a relative path starts
 * @ret:       set when it was found; what it held before is freed
 *
 * Return: 1 when it was found; 0 when there is no such path and the name may be one that systemd-machined
 * knows; or a negative errno with @ret_error set.
 */
int image_resolve(const char *image, const char *directory, Root *ret, Error **ret_error);

/*
 * Sets @ret from the path and type that systemd-machined reports for an image (org.freedesktop.machine1(5)).
 */
void image_from_machined(const char *path, const char *type, Root *ret);

/**
 * image_check_command() - see whether a task's command is in its image
 *
 * Refuses only a command that is missing for sure: one with a slash, or an init system to boot, in an image
 * that is a directory, outside of all mounts of the container. Links are followed inside the image.
 *
 * Return: 0, or -ENOENT with @ret_error set.
 */
int image_check_command(const TaskRequest *request, const Root *root, Error **ret_error);

/* The advice for an image that is read-only and has no place for a mount. */
#define IMAGE_READ_ONLY_HINT \
        "make it in the image, or use volatile = \"overlay\" instead, which keeps the image as it is too"

/**
 * image_check_mounts() - see whether each mount has a mount point in a read-only image
 *
 * Looks at images that are directories, like image_check_command().
 *
 * Return: 0, or -EROFS with @ret_error set; the message names all missing mount points.
 */
int image_check_mounts(const TaskSpec *spec, const Root *root, Error **ret_error);

/* Makes both checks. Return: 0, or the first negative errno with @ret_error set, which has all messages. */
int image_check(const TaskRequest *request, const Root *root, Error **ret_error);
