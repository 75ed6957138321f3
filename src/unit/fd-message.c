/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/fd-letters.h"
#include "base/macro.h"
#include "unit/fd-message.h"

int fd_message_send(int socket, const FdMessageRow *rows, size_t n_rows) {
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(LETTER_MAX * sizeof(int))];
        } control = {
                .header = {
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                },
        };
        char letters[LETTER_MAX];
        int fds[LETTER_MAX];
        size_t n = 0;

        for (size_t i = 0; i < n_rows; i++) {
                if (rows[i].fd < 0)
                        continue;
                if (n == LETTER_MAX)
                        return -E2BIG;
                letters[n] = rows[i].letter;
                fds[n++] = rows[i].fd;
        }
        if (n == 0)
                return -EINVAL;

        struct iovec data = { .iov_base = letters, .iov_len = n };
        struct msghdr message = {
                .msg_iov = &data,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = CMSG_SPACE(n * sizeof(int)),
        };
        control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
        return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int fd_message_new(int output, int error, int result, int attach) {
        const FdMessageRow rows[] = { { LETTER_OUTPUT, output }, { LETTER_ERROR, error },
                { LETTER_RESULT, result }, { LETTER_ATTACH, attach } };
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        _cleanup_fd_ int ours = pair[0], theirs = pair[1];

        r = fd_message_send(ours, rows, ELEMENTSOF(rows));
        return r < 0 ? r : TAKE_FD(theirs);
}

bool fd_message_is_lost(unsigned version) {
        return version > 0 && version < 254;
}
