/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* Needs only libc, because the helper shares it. */

/**
 * directory_clear() - remove everything in a directory, but not the directory itself
 * @path:       a directory that only root can change; a link in its place is not followed
 * @keep_files: whether to keep the files that are directly in it, and remove only directories, with all that
 *              is in them, and mounts
 *
 * Mounts are detached and never entered, links are removed and never followed. Errors are ignored.
 */
void directory_clear(const char *path, bool keep_files);
