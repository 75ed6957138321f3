/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"

int fd_close(int fd) {
        int saved = errno;

        if (fd >= 0)
                (void) close(fd);
        errno = saved;
        return -1;
}

ssize_t file_read(int dir_fd, const char *path, size_t limit, char **ret) {
        _cleanup_string_buffer_ StringBuffer buffer = {};
        _cleanup_fd_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

        if (fd < 0)
                return -errno;

        for (;;) {
                char chunk[4096];
                ssize_t n = read(fd, chunk, sizeof(chunk));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                if ((size_t) n > limit - buffer.length)
                        return -E2BIG;
                string_buffer_append_bytes(&buffer, chunk, (size_t) n);
        }

        ssize_t length = (ssize_t) buffer.length;
        *ret = string_buffer_take(&buffer);
        return length;
}

int fd_write_all(int fd, const void *bytes, size_t n) {
        const char *p = bytes;

        while (n > 0) {
                ssize_t k = write(fd, p, n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                p += k;
                n -= (size_t) k;
        }

        return 0;
}

/* Return: a file without a name in the directory of @path, or a negative errno. */
static int file_open_nameless(const char *path) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *directory = slash ? xstrndup(path, (size_t) (slash - path) + (slash == path))
                                               : xstrdup(".");
        int fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

        return fd < 0 ? -errno : fd;
}

/* Gives the file @from the name @path; fails with -EEXIST if the name is taken. */
static int file_link(const char *from, const char *path) {
        return linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* Gives the file @from the name @path, and replaces a file of that name in one step. */
static int file_link_over(const char *from, const char *path) {
        _cleanup_free_ char *temporary = xasprintf("%s.tmp", path);
        int r;

        /* A process may have been killed between the two steps below. */
        (void) unlink(temporary);

        r = file_link(from, temporary);
        if (r >= 0 && rename(temporary, path) < 0) {
                r = -errno;
                (void) unlink(temporary);
        }
        return r;
}

int file_write_private(const char *path, const void *bytes, size_t n) {
        _cleanup_fd_ int fd = file_open_nameless(path);
        _cleanup_free_ char *from = xasprintf("/proc/self/fd/%d", fd);
        int r;

        if (fd < 0)
                return fd;

        r = fd_write_all(fd, bytes, n);
        if (r < 0)
                return r;

        r = file_link(from, path);
        return r == -EEXIST ? file_link_over(from, path) : r;
}

int fd_open_again(int fd, int flags) {
        _cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);
        struct stat st;
        int own = -1;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (isatty(fd) || (S_ISFIFO(st.st_mode) && flags == O_WRONLY))
                own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        /* A duplicate must do when the open failed, as for a pipe that nobody reads. */
        if (own < 0)
                own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        return own < 0 ? -errno : own;
}
