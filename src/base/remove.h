/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* Needs libc alone: the helper has it as well. */

/**
 * directory_clear() - remove what is in a directory, whatever that is
 * @path:       a directory that only root can change; a link in its place is not followed
 * @keep_files: only directories, with all that is in them, and mounts
 *
 * Mounts are detached and never entered, links are removed and never followed. What cannot be removed stays.
 */
void directory_clear(const char *path, bool keep_files);
