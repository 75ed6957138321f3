/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "fd-message.h"

static int receive(int socket, int flags, FdMessage *ret) {
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(LETTER_MAX * sizeof(int))];
        } control;
        struct iovec data = { .iov_base = ret->letters, .iov_len = sizeof(ret->letters) };
        struct msghdr message = {
                .msg_iov = &data,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t n = recvmsg(socket, &message, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        ret->n = 0;
        if (n < 0)
                return -errno;

        const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
                header->cmsg_len != CMSG_LEN((size_t) n * sizeof(int)))
                return -EBADMSG;

        memcpy(ret->fds, CMSG_DATA(header), (size_t) n * sizeof(int));
        ret->n = (size_t) n;
        return 0;
}

int fd_message_peek(int socket, FdMessage *ret) {
        return receive(socket, MSG_PEEK, ret);
}

int fd_message_take(int socket, FdMessage *ret) {
        return receive(socket, 0, ret);
}

int fd_message_find(const FdMessage *message, char letter) {
        for (size_t i = 0; i < message->n; i++)
                if (message->letters[i] == letter)
                        return message->fds[i];
        return -1;
}
