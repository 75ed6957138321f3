/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/handed.h"
#include "base/macro.h"
#include "systemd/handover.h"

static int send_descriptors(int socket, const char *letters, const int *fds, size_t n) {
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(HANDED_MAX * sizeof(int))];
        } control = {
                .header = {
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                        .cmsg_len = CMSG_LEN(n * sizeof(int)),
                },
        };
        struct iovec data = { .iov_base = (char *) (uintptr_t) letters, .iov_len = n };
        struct msghdr message = {
                .msg_iov = &data,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = CMSG_SPACE(n * sizeof(int)),
        };

        memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
        return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int handover_new(int output, int error, int ledger) {
        const struct {
                char letter;
                int fd;
        } rows[] = { { HANDED_OUTPUT, output }, { HANDED_ERROR, error }, { HANDED_LEDGER, ledger } };
        char letters[HANDED_MAX];
        int fds[HANDED_MAX], pair[2], r;
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (rows[i].fd < 0)
                        continue;
                letters[n] = rows[i].letter;
                fds[n++] = rows[i].fd;
        }
        if (n == 0)
                return -EINVAL;

        if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        _cleanup_fd_ int ours = pair[0], theirs = pair[1];

        r = send_descriptors(ours, letters, fds, n);
        return r < 0 ? r : TAKE_FD(theirs);
}

bool handover_is_lost(unsigned version) {
        return version > 0 && version < 254;
}
