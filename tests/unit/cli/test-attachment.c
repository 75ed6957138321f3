/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attach.h"
#include "base/fd.h"
#include "base/string.h"
#include "cli/attachment.h"
#include "box/fake-systemd.h"
#include "box/own-name.h"

TestSuite(attachment, .timeout = 60);

/* An attachment, and the test's side of its socket. */
typedef struct Box {
        sd_event *event;
        Attachment *attachment;
        struct sockaddr_un address;
        int listener, theirs;
        StringBuffer shown;
        unsigned n_drained, n_ended;
} Box;

static void on_output(void *userdata, const void *bytes, size_t n) {
        Box *box = userdata;

        cr_assert_gt(n, 0);
        string_buffer_append_bytes(&box->shown, bytes, n);
}

static void on_drain(void *userdata) {
        ((Box *) userdata)->n_drained++;
}

static void on_end(void *userdata) {
        ((Box *) userdata)->n_ended++;
}

static const AttachmentCallbacks callbacks = { on_output, on_drain, on_end };

static int box_attach(Box *box) {
        return attachment_new(box->event, box->address.sun_path, &callbacks, box, &box->attachment);
}

static void box_listen(Box *box) {
        *box = (Box){ .listener = -1, .theirs = -1, .address.sun_family = AF_UNIX };
        _cleanup_own_name_ char *name = own_name_new();
        (void) snprintf(box->address.sun_path, sizeof(box->address.sun_path), "/tmp/%s", name);
        cr_assert_geq(sd_event_new(&box->event), 0);
        box->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        cr_assert_eq(bind(box->listener, (struct sockaddr *) &box->address, sizeof(box->address)), 0);
        cr_assert_eq(listen(box->listener, 4), 0);
}

static void box_open(Box *box) {
        box_listen(box);
        cr_assert_eq(box_attach(box), 0);
        box->theirs = accept4(box->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        cr_assert_geq(box->theirs, 0);
}

static void box_close(Box *box) {
        attachment_free(box->attachment);
        fd_close(box->theirs);
        fd_close(box->listener);
        (void) unlink(box->address.sun_path);
        sd_event_unref(box->event);
        string_buffer_clear(&box->shown);
}
#define _cleanup_box_ _cleanup_(box_close)

static void box_turns(Box *box) {
        for (int turn = 0; turn < 5; turn++)
                cr_assert_geq(sd_event_run(box->event, 0), 0);
}

/* Return: the length of a received message; 0 when there is none. */
static size_t receive(Box *box, char *message) {
        ssize_t n = recv(box->theirs, message, ATTACH_MESSAGE_MAX, MSG_TRUNC);

        cr_assert_leq(n, ATTACH_MESSAGE_MAX);
        return n > 0 ? (size_t) n : 0;
}

static void expect_message(Box *box, const char *bytes, size_t n) {
        char message[ATTACH_MESSAGE_MAX];
        size_t length = 0;

        RUN_UNTIL(box->event, (length = receive(box, message)) > 0);
        cr_assert_eq(length, n, "%zu", length);
        cr_expect_eq(memcmp(message, bytes, n), 0);
}

static void show(const Box *box, const char *bytes, size_t n) {
        cr_assert_eq(send(box->theirs, bytes, n, MSG_NOSIGNAL), (ssize_t) n);
}

Test(attachment, what_is_not_there_is_told) {
        _cleanup_box_ Box box;

        box_listen(&box);
        box.listener = fd_close(box.listener);
        cr_expect_eq(box_attach(&box), -ECONNREFUSED);
        cr_assert_eq(unlink(box.address.sun_path), 0);
        cr_expect_eq(box_attach(&box), -ENOENT);
        char path[300];
        memset(path, 'x', sizeof(path));
        path[sizeof(path) - 1] = 0;
        cr_expect_eq(attachment_new(box.event, path, &callbacks, &box, &box.attachment), -ENAMETOOLONG);
}

Test(attachment, input_and_size_are_messages_of_their_own) {
        _cleanup_box_ Box box;

        box_open(&box);
        attachment_resize(box.attachment, 24, 300);
        cr_expect(attachment_write(box.attachment, "a\0b", 3));
        expect_message(&box, "S\0\x18\x01\x2c", 5);
        expect_message(&box, "Ia\0b", 4);
        RUN_UNTIL(box.event, box.n_drained > 0);
        attachment_resize(box.attachment, 25, 80);
        expect_message(&box, "S\0\x19\0P", 5);
}

Test(attachment, long_input_goes_in_pieces_and_waits_for_room) {
        _cleanup_box_ Box box;
        static char sent[1024 * 1024], seen[sizeof(sent)];
        char message[ATTACH_MESSAGE_MAX];
        size_t at = 0, n;

        box_open(&box);
        for (size_t i = 0; i < sizeof(sent); i++)
                sent[i] = (char) (i * 7 + i / 251);
        cr_expect_not(attachment_write(box.attachment, sent, sizeof(sent) / 2));
        cr_expect_not(attachment_write(box.attachment, sent + sizeof(sent) / 2, sizeof(sent) / 2));
        box_turns(&box);
        cr_expect_eq(box.n_drained, 0);

        while (at < sizeof(sent)) {
                RUN_UNTIL(box.event, (n = receive(&box, message)) > 0);
                cr_assert_eq(message[0], ATTACH_INPUT);
                cr_assert_leq(at + n - 1, sizeof(seen));
                memcpy(seen + at, message + 1, n - 1);
                at += n - 1;
        }
        cr_expect_eq(memcmp(seen, sent, sizeof(sent)), 0);
        RUN_UNTIL(box.event, box.n_drained > 0);
}

Test(attachment, input_for_a_terminal_that_is_gone_has_no_room) {
        _cleanup_box_ Box box;

        box_open(&box);
        box.theirs = fd_close(box.theirs);
        /* While output is not read, the end of the connection is not noticed. */
        attachment_set_reading(box.attachment, false);
        cr_expect(attachment_write(box.attachment, "a", 1));
        box_turns(&box);
        cr_expect_not(attachment_write(box.attachment, "a", 1));
        cr_expect_eq(box.n_drained, 0);
        attachment_set_reading(box.attachment, true);
        RUN_UNTIL(box.event, box.n_ended > 0);
        cr_expect_not(attachment_write(box.attachment, "a", 1));
}

Test(attachment, output_is_told_and_the_end_behind_it) {
        _cleanup_box_ Box box;

        box_open(&box);
        show(&box, "Oone", 4);
        show(&box, "Otwo", 4);
        box.theirs = fd_close(box.theirs);
        RUN_UNTIL(box.event, box.n_ended > 0);
        cr_expect_str_eq(box.shown.text, "onetwo");

        /* Calls after the end do no harm. */
        cr_expect_not(attachment_write(box.attachment, "x", 1));
        attachment_resize(box.attachment, 1, 1);
        attachment_set_reading(box.attachment, false);
        attachment_set_reading(box.attachment, true);
        box_turns(&box);
        cr_expect_eq(box.n_ended, 1);
}

Test(attachment, an_end_before_our_input_was_read_does_not_hide_what_was_shown) {
        _cleanup_box_ Box box;

        box_open(&box);
        (void) attachment_write(box.attachment, "x", 1);
        RUN_UNTIL(box.event, box.n_drained > 0);
        show(&box, "Oone", 4);
        show(&box, "Otwo", 4);
        box.theirs = fd_close(box.theirs);
        RUN_UNTIL(box.event, box.n_ended > 0);
        cr_expect_str_eq(box.shown.text, "onetwo");
}

Test(attachment, output_stays_where_it_is_while_it_is_not_wanted) {
        _cleanup_box_ Box box;

        box_open(&box);
        attachment_set_reading(box.attachment, false);
        show(&box, "Oone", 4);
        cr_expect(attachment_write(box.attachment, "x", 1));
        expect_message(&box, "Ix", 2);
        box_turns(&box);
        cr_assert_eq(box.shown.length, 0);
        box.theirs = fd_close(box.theirs);
        (void) attachment_write(box.attachment, "y", 1);
        box_turns(&box);
        cr_assert_eq(box.n_ended, 0);
        attachment_set_reading(box.attachment, true);
        RUN_UNTIL(box.event, box.n_ended > 0);
        cr_expect_str_eq(box.shown.text, "one");
}

Test(attachment, messages_of_another_kind_are_passed_over) {
        static const char *const strange[] = { "O", "Sxxxx", "I", "?", "Ixyz" };
        _cleanup_box_ Box box;

        box_open(&box);
        for (size_t i = 0; i < ELEMENTSOF(strange); i++)
                show(&box, strange[i], strlen(strange[i]));
        show(&box, "O\0", 2);
        show(&box, "Ook", 3);
        RUN_UNTIL(box.event, box.shown.length == 3);
        cr_expect_arr_eq(box.shown.text, "\0ok", 3);
}

Test(attachment, input_comes_through_a_flood_of_output) {
        _cleanup_box_ Box box;
        char message[ATTACH_MESSAGE_MAX];
        size_t n = 0;

        box_open(&box);
        memset(message, ATTACH_OUTPUT, sizeof(message));
        (void) attachment_write(box.attachment, "\x03", 1);
        for (int turn = 0; turn < 10 && n == 0; turn++) {
                while (send(box.theirs, message, sizeof(message), MSG_NOSIGNAL) > 0)
                        ;
                cr_assert_geq(sd_event_run(box.event, 0), 0);
                n = receive(&box, message);
        }
        cr_expect_eq(n, 2);
}
