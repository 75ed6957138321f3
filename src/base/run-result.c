/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/run-result.h"

#define INFO_MAX 1024

int run_result_new(void) {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        return fd < 0 ? -errno : fd;
}

void run_result_reset(int fd) {
        uint64_t number;

        /* The container shares the flags of the open file: it could have made this read() block for ever. */
        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
                return;
        (void) !read(fd, &number, sizeof(number));
}

/* Uses fdinfo, since a read() would set the eventfd to 0. Return: its number; 0 when @fd is no eventfd. */
static uint64_t number_peek(int fd) {
        static const char field[] = "eventfd-count:";
        char path[64], text[INFO_MAX];

        (void) snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
        int info = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = info < 0 ? -1 : read(info, text, sizeof(text) - 1);

        if (info >= 0)
                (void) close(info);
        text[n > 0 ? n : 0] = 0;
        const char *found = strstr(text, field);
        return found ? strtoull(found + sizeof(field) - 1, NULL, 16) : 0;
}

bool run_result_read(int fd, int *ret_code, int *ret_signal) {
        uint64_t number = fd < 0 ? 0 : number_peek(fd), code = (number - 1) >> 8,
                 signal = (number - 1) & 0xff;

        if (number == 0 || code > 255 || signal >= NSIG)
                return false;
        *ret_code = (int) code;
        *ret_signal = (int) signal;
        return true;
}
