/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Needs libc alone: nspawn-units-helper has it as well. */

/**
 * small_file_read() - read the beginning of a file, which is all of a small one
 * @path: not followed if it is a link
 * @ret:  @size bytes, with a NUL behind what was read; "" on failure
 *
 * Return: whether it could be read; errno is set otherwise.
 */
bool small_file_read(const char *path, char *ret, size_t size);
