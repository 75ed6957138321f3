/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/small-file.h"

bool small_file_read(const char *path, char *ret, size_t size) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);
        int error = errno;

        if (fd >= 0)
                (void) close(fd);
        ret[n > 0 ? n : 0] = 0;
        errno = error;
        return n >= 0;
}
