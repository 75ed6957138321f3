/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/stream-mode.h"
#include "base/string.h"
#include "nomad/task-config.h"

/* Nomad makes FIFOs with mode 0600 for root (client/lib/fifo); the driver gives them STREAM_MODE. */

#define OPEN_FLAGS (O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW)

/* Return: a descriptor; -EXDEV for a path that is not below the directory; or another negative errno. */
static int open_below(const char *directory, const char *path) {
        struct open_how how = { .flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
        size_t n = strlen(directory);

        while (n > 0 && directory[n - 1] == '/')
                n--;
        if (n == 0 || strncmp(path, directory, n) != 0 || path[n] != '/')
                return -EXDEV;

        const char *below = path + n;
        _cleanup_fd_ int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;

        int fd = (int) syscall(SYS_openat2, root, below + strspn(below, "/"), &how, sizeof(how));
        return fd < 0 ? -errno : fd;
}

static int open_stream(const char *directory, const char *path, int *ret, Error **ret_error) {
        _cleanup_fd_ int fd = -1;
        struct stat st;

        if (string_is_empty(path) || streq(path, "/dev/null"))
                return 0;

        fd = open_below(directory, path);
        if (fd == -EXDEV)
                return error_set(ret_error, EINVAL,
                        "%s for the task's output is not in the directory of its allocation, %s", path,
                        directory);
        if (fd < 0)
                return error_set(
                        ret_error, fd, "cannot open %s for the task's output: %s", path, strerror(-fd));
        if (fstat(fd, &st) < 0)
                return error_set(ret_error, errno, "cannot look at %s: %s", path, strerror(errno));
        if (!S_ISFIFO(st.st_mode))
                return error_set(ret_error, EINVAL, "%s is neither a pipe nor /dev/null", path);

        /* Without O_NONBLOCK: the task shares the flags of this descriptor. */
        if (fcntl(fd, F_SETFL, O_RDWR) < 0 || fchmod(fd, STREAM_MODE) < 0)
                return error_set(ret_error, errno, "cannot set up %s: %s", path, strerror(errno));

        *ret = TAKE_FD(fd);
        return 0;
}

int task_config_open_streams(
        const Driver__TaskConfig *config, const DriverConfig *driver, TaskStreams *ret, Error **ret_error) {
        TaskStreams streams = { -1, -1 };
        int r;

        if (driver->disable_log_collection) {
                *ret = streams;
                return 0;
        }

        r = open_stream(config->alloc_dir, config->stdout_path, &streams.output, ret_error);
        if (r >= 0)
                r = open_stream(config->alloc_dir, config->stderr_path, &streams.error, ret_error);
        if (r < 0) {
                fd_close(streams.output);
                return r;
        }

        *ret = streams;
        return 0;
}
