/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/**
 * image_find_holder() - find the process that uses an image which systemd-nspawn calls busy
 * @path: of the image, without links
 *
 * systemd-nspawn locks a file that is named after the image's inode (discover-image.c, image_path_lock(),
 * systemd 252 to 262). The kernel tells which process has the lock, so no other process is mistaken for it.
 *
 * Return: the name of its unit, or its process where it has none; owned by the caller. NULL when no process
 * has the lock.
 */
char *image_find_holder(const char *path);
