/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Closes @fd unless negative; errno is kept. Return: always -1. */
int fd_close(int fd);
static inline void fd_closep(int *fd) {
        *fd = fd_close(*fd);
}
#define _cleanup_fd_ _cleanup_(fd_closep)

/**
 * file_read() - read a whole file
 * @dir_fd: directory that @path is relative to, or AT_FDCWD
 * @limit:  most bytes accepted
 *
 * The text in @ret is NUL-terminated and owned by the caller.
 *
 * Return: the number of bytes, -E2BIG over the limit, or another negative errno.
 */
ssize_t file_read(int dir_fd, const char *path, size_t limit, char **ret);

/**
 * file_write_private() - create a file with mode 0600 and these bytes
 *
 * The file gets its name when all bytes are in it (open(2), O_TMPFILE; linkat(2)). So no reader sees half a
 * file, and a process that is killed at any point leaves nothing behind. The exception: while this function
 * replaces an existing file, a killed process may leave "@path.tmp", which the next call removes.
 *
 * Return: 0 or a negative errno; after an error nothing is left behind.
 */
int file_write_private(const char *path, const void *bytes, size_t n);

/* Writes all @n bytes, and goes on when a signal interrupts it. Return: 0 or a negative errno. */
int fd_write_all(int fd, const void *bytes, size_t n);

/**
 * fd_open_again() - get a descriptor for the loop without changing the one shared with other processes
 * @fd:    inherited, standard output for example
 * @flags: O_RDONLY or O_WRONLY
 *
 * O_NONBLOCK belongs to the open file, which all its descriptors share: to set it on an inherited terminal
 * would change the terminal for the shell, too. So this function opens a terminal again, and a pipe for
 * writing; the new descriptor does not block. For anything else it returns a duplicate, which may block: a
 * file's offset should be shared, a socket has MSG_DONTWAIT, and a named pipe that is opened again for
 * reading does not report that its writers are gone (fifo(7); fs/pipe.c, fifo_open()).
 *
 * Return: a descriptor, close-on-exec, or a negative errno.
 */
int fd_open_again(int fd, int flags);
