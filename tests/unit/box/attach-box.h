/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An init that holds a terminal, and those who are attached to it. */

#include <poll.h>
#include <sys/un.h>

#include "base/attach.h"
#include "box/init-box.h"

#define TASK(text) text, sizeof(text) - 1

/* The box's program with a terminal and what was handed over. */
#define box_start_attached(box, script) \
        box_start(box, "supervise", "--terminal", "--descriptors-on-stdin", "--", "sh", "-c", script)

static _unused_ struct sockaddr_un attach_address(const Box *box) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/attach", box->directory);
        return address;
}

/* Hands the init an eventfd for the result and a socket to listen on, where attach() can connect from then
 * on. */
static _unused_ int box_hand_over_attach(Box *box) {
        _cleanup_fd_ int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int result = run_result_new();

        box->directory = directory_new();
        struct sockaddr_un address = attach_address(box);
        cr_assert_eq(bind(listener, (struct sockaddr *) &address, sizeof(address)), 0);
        cr_assert_eq(listen(listener, 16), 0);
        fd_close(box->in);
        box->in = fd_message_new(-1, STDERR_FILENO, result, listener);
        cr_assert_geq(box->in, 0);
        return result;
}

static _unused_ int attach(const Box *box) {
        struct sockaddr_un address = attach_address(box);
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        cr_assert_eq(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        return fd;
}

static _unused_ void attach_send(int fd, const char *message, size_t n) {
        cr_assert_eq(send(fd, message, n, MSG_NOSIGNAL), (ssize_t) n);
}
#define attach_type(fd, text) attach_send(fd, "I" text, sizeof("I" text) - 1)

/* As recv(). An end while something was on its way to the init is told first, and then what came before it.
 */
static _unused_ ssize_t attach_receive(int fd, char message[ATTACH_MESSAGE_MAX]) {
        ssize_t n = recv(fd, message, ATTACH_MESSAGE_MAX, 0);

        return n < 0 && errno == ECONNRESET ? recv(fd, message, ATTACH_MESSAGE_MAX, 0) : n;
}

/* Expects that the terminal shows this next. */
static _unused_ void attach_expect(int fd, const char *text) {
        _cleanup_string_buffer_ StringBuffer got = {};

        while (got.length < strlen(text)) {
                char message[ATTACH_MESSAGE_MAX];
                ssize_t n = attach_receive(fd, message);

                cr_assert_gt(n, 1, "it ended after \"%s\", before: %s", got.text ? got.text : "", text);
                cr_assert_eq(message[0], ATTACH_OUTPUT);
                string_buffer_append_bytes(&got, message + 1, (size_t) n - 1);
        }
        cr_assert_str_eq(got.text, text);
}

/* Expects the end, whatever comes before it. */
static _unused_ void attach_expect_end(int fd) {
        char message[ATTACH_MESSAGE_MAX];
        ssize_t n;

        while ((n = attach_receive(fd, message)) > 0)
                continue;
        cr_assert_eq(n, 0);
}

/* Return: what `seq 1 @last` shows on a terminal. */
static _unused_ char *numbers(unsigned last) {
        StringBuffer buffer = {};

        for (unsigned i = 1; i <= last; i++)
                string_buffer_append(&buffer, "%u\r\n", i);
        return string_buffer_take(&buffer);
}
