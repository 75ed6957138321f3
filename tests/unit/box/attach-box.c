/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/run-result.h"
#include "base/string.h"
#include "box/attach-box.h"
#include "unit/fd-message.h"

static struct sockaddr_un address_of(const InitBox *box) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/attach", box->directory);
        return address;
}

int attach_box_hand_over(InitBox *box) {
        _cleanup_fd_ int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int result = run_result_new();

        init_box_make_directory(box);
        struct sockaddr_un address = address_of(box);
        cr_assert_eq(bind(listener, (struct sockaddr *) &address, sizeof(address)), 0);
        cr_assert_eq(listen(listener, 16), 0);
        fd_close(box->in);
        box->in = fd_message_new(-1, STDERR_FILENO, result, listener);
        cr_assert_geq(box->in, 0);
        return result;
}

int attach_box_connect(const InitBox *box) {
        struct sockaddr_un address = address_of(box);
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        cr_assert_eq(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        return fd;
}

void attach_box_send(int fd, const char *message, size_t n) {
        cr_assert_eq(send(fd, message, n, MSG_NOSIGNAL), (ssize_t) n);
}

/* Does what recv() does. When the init leaves bytes unread at its end, the kernel tells of that first, and
 * of what came before it then. */
static ssize_t receive(int fd, char message[ATTACH_MESSAGE_MAX]) {
        ssize_t n = recv(fd, message, ATTACH_MESSAGE_MAX, 0);

        return n < 0 && errno == ECONNRESET ? recv(fd, message, ATTACH_MESSAGE_MAX, 0) : n;
}

void attach_box_expect(int fd, const char *text) {
        _cleanup_string_buffer_ StringBuffer got = {};

        while (got.length < strlen(text)) {
                char message[ATTACH_MESSAGE_MAX];
                ssize_t n = receive(fd, message);

                cr_assert_gt(n, 1, "it ended after \"%s\", before: %s", got.text ? got.text : "", text);
                cr_assert_eq(message[0], ATTACH_OUTPUT);
                string_buffer_append_bytes(&got, message + 1, (size_t) n - 1);
        }
        cr_assert_str_eq(got.text, text);
}

void attach_box_expect_end(int fd) {
        char message[ATTACH_MESSAGE_MAX];
        ssize_t n;

        while ((n = receive(fd, message)) > 0)
                continue;
        cr_assert_eq(n, 0);
}

char *attach_box_numbers(unsigned last) {
        StringBuffer buffer = {};

        for (unsigned i = 1; i <= last; i++)
                string_buffer_append(&buffer, "%u\r\n", i);
        return string_buffer_take(&buffer);
}
