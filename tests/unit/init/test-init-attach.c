/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/attach.h"
#include "base/fd.h"
#include "base/run-result.h"
#include "base/string.h"
#include "box/attach-box.h"
#include "box/init-box.h"

TestSuite(init_attach, .timeout = 60);

Test(init_attach, what_is_typed_arrives_and_is_shown) {
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box), client = attach_box_connect(&box);

        attach_box_start(
                &box, "trap 'echo interrupted; exit 5' INT; read x; echo \"got $x\"; while :; do :; done");
        attach_box_type(client, "hel");
        attach_box_type(client, "lo\n");
        attach_box_expect(client, "hello\r\ngot hello\r\n");
        init_box_expect(&box, "hello\r\ngot hello\r\n");
        attach_box_type(client, "");
        attach_box_type(client, "\003");
        attach_box_expect(client, "^Cinterrupted\r\n");
        attach_box_expect_end(client);
        cr_assert_eq(init_box_wait(&box), 5);
}

Test(init_attach, who_attaches_later_sees_what_comes_then) {
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box);

        attach_box_start(&box, "stty -echo; echo before; read x; echo $x");
        init_box_expect(&box, "before\r\n");
        _cleanup_fd_ int client = attach_box_connect(&box);
        attach_box_type(client, "later\n");
        attach_box_expect(client, "later\r\n");
        cr_assert_eq(init_box_wait(&box), 0);
}

/* Return: the output of cksum(1) for these bytes. */
static char *checksum(const InitBox *box, const StringBuffer *bytes) {
        _cleanup_free_ char *file = xasprintf("%s/bytes", box->directory);
        _cleanup_free_ char *command = xasprintf("cksum <%s", file);
        char line[64];

        init_box_write_file(file, bytes->text, bytes->length);
        FILE *pipe = popen(command, "re");
        cr_assert_not_null(fgets(line, sizeof(line), pipe));
        cr_assert_eq(pclose(pipe), 0);
        return xstrdup(line);
}

Test(init_attach, every_byte_of_a_long_input_arrives) {
        enum { N_MESSAGES = 64 };
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box), client = attach_box_connect(&box);
        _cleanup_string_buffer_ StringBuffer all = {};
        char message[ATTACH_MESSAGE_MAX] = { ATTACH_INPUT };

        attach_box_start(&box, "stty raw -echo; echo up; head -c 262080 | cksum");
        attach_box_expect(client, "up\n");
        for (unsigned i = 0; i < N_MESSAGES; i++) {
                for (size_t k = 1; k < sizeof(message); k++)
                        message[k] = (char) (i * 31 + k * 7);
                attach_box_send(client, message, sizeof(message));
                string_buffer_append_bytes(&all, message + 1, sizeof(message) - 1);
        }
        cr_assert_eq(all.length, 262080);

        _cleanup_free_ char *got = init_box_read(box.out), *expected = checksum(&box, &all);
        cr_assert_str_eq(string_after_prefix(got, "up\n"), expected);
        cr_assert_eq(init_box_wait(&box), 0);
}

/* The unread input waits in the terminal, in the init (one message), and in the socket. */
Test(init_attach, input_that_nobody_takes_holds_up_nothing) {
        static char message[ATTACH_MESSAGE_MAX] = { ATTACH_INPUT };
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box), client = attach_box_connect(&box),
                         other = attach_box_connect(&box);
        const struct timeval limit = { .tv_usec = 200000 };

        attach_box_start(&box, "trap 'echo got; exit 6' TERM; stty raw -echo; echo up; while :; do :; done");
        attach_box_expect(client, "up\n");
        attach_box_expect(other, "up\n");
        cr_assert_eq(setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
        while (send(client, message, sizeof(message), MSG_NOSIGNAL) > 0)
                continue;
        cr_assert_eq(errno, EAGAIN);

        cr_assert_eq(kill(box.pid, SIGTERM), 0);
        attach_box_expect(other, "got\n");
        attach_box_expect(client, "got\n");
        cr_assert_eq(init_box_wait(&box), 6);
}

Test(init_attach, a_new_size_is_told_and_the_same_again_too) {
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box), client = attach_box_connect(&box);

        attach_box_start(
                &box, "trap 'stty size; n=x$n' WINCH; echo up; while [ \"$n\" != xxx ]; do :; done; exit 7");
        attach_box_expect(client, "up\r\n");
        attach_box_send(client, INIT_BOX_BYTES("S\0\036\0\144"));
        attach_box_expect(client, "30 100\r\n");
        attach_box_send(client, INIT_BOX_BYTES("S\0\036\0\144"));
        attach_box_expect(client, "30 100\r\n");
        attach_box_send(client, INIT_BOX_BYTES("S\001\0\002\001"));
        attach_box_expect(client, "256 513\r\n");
        cr_assert_eq(init_box_wait(&box), 7);
}

Test(init_attach, several_see_the_same_and_may_type_and_further_ones_are_refused_in_words) {
        enum { N_CLIENTS = 8 };
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box);
        int clients[N_CLIENTS];

        for (size_t i = 0; i < N_CLIENTS; i++)
                clients[i] = attach_box_connect(&box);
        _cleanup_fd_ int refused = attach_box_connect(&box);
        attach_box_start(&box, "stty -echo; echo up; while read x; do echo $x; done");
        attach_box_expect(refused, "nspawn-units: too many are attached to this terminal\r\n");
        attach_box_expect_end(refused);
        for (size_t i = 0; i < N_CLIENTS; i++)
                attach_box_expect(clients[i], "up\r\n");

        attach_box_type(clients[3], "all\n");
        for (size_t i = 0; i < N_CLIENTS; i++)
                attach_box_expect(clients[i], "all\r\n");

        /* A client that leaves makes room for another. */
        fd_close(clients[5]);
        attach_box_type(clients[0], "left\n");
        attach_box_expect(clients[0], "left\r\n");
        clients[5] = attach_box_connect(&box);
        attach_box_type(clients[5], "next\n");
        attach_box_expect(clients[5], "next\r\n");

        attach_box_type(clients[7], "\004");
        cr_assert_eq(init_box_wait(&box), 0);
        for (size_t i = 0; i < N_CLIENTS; i++) {
                attach_box_expect_end(clients[i]);
                fd_close(clients[i]);
        }
}

Test(init_attach, who_types_much_leaves_others_their_turns) {
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box), other = attach_box_connect(&box),
                         typist = attach_box_connect(&box);

        for (int i = 0; i < 20; i++)
                attach_box_type(typist, "much\n");
        attach_box_type(other, "other\n");
        attach_box_start(&box, "read x; read y; [ $x$y = muchother ] || [ $x$y = othermuch ]");
        cr_assert_eq(init_box_wait(&box), 0);
}

Test(init_attach, who_sends_nonsense_is_dropped_and_the_others_are_not) {
        static char too_long[ATTACH_MESSAGE_MAX + 1] = { ATTACH_INPUT };
        static const struct {
                const char *message;
                size_t n;
        } rows[] = {
                { "", 0 },
                { INIT_BOX_BYTES("X") },
                { INIT_BOX_BYTES("O") },
                { INIT_BOX_BYTES("\0") },
                { INIT_BOX_BYTES("S") },
                { INIT_BOX_BYTES("S\0\1\0") },
                { INIT_BOX_BYTES("S\0\1\0\1\0") },
                { too_long, sizeof(too_long) },
        };
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box), good = attach_box_connect(&box);

        attach_box_start(&box, "stty -echo; echo up; read x; stty size; exit $x");
        attach_box_expect(good, "up\r\n");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_fd_ int bad = attach_box_connect(&box);

                attach_box_send(bad, rows[i].message, rows[i].n);
                attach_box_expect_end(bad);
        }
        attach_box_type(good, "4\n");
        attach_box_expect(good, "24 80\r\n");
        cr_assert_eq(init_box_wait(&box), 4);
}

Test(init_attach, who_reads_gets_all_that_is_shown) {
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box), client = attach_box_connect(&box);
        _cleanup_free_ char *expected = attach_box_numbers(5000);

        /* The pipe has room for all of the output. */
        attach_box_start(&box, "seq 1 5000; exit 4");
        attach_box_expect(client, expected);
        attach_box_expect_end(client);
        cr_assert_eq(init_box_wait(&box), 4);
        init_box_expect(&box, expected);
        init_box_expect_end(&box);
}

Test(init_attach, who_does_not_read_is_dropped_and_the_task_goes_on) {
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box), idle = attach_box_connect(&box);
        _cleanup_free_ char *expected = attach_box_numbers(50000);

        attach_box_start(&box, "seq 1 50000; read x; exit 4");
        init_box_expect(&box, expected);
        attach_box_expect_end(idle);

        _cleanup_fd_ int client = attach_box_connect(&box);
        attach_box_type(client, "\n");
        cr_assert_eq(init_box_wait(&box), 4);
}

Test(init_attach, without_a_reader_of_the_output_the_terminal_goes_on) {
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box), client = attach_box_connect(&box);

        attach_box_start(
                &box, "trap 'exit 8' PIPE; stty -echo; echo up; read x; echo one; echo two; read x; exit 3");
        attach_box_expect(client, "up\r\n");
        box.out = fd_close(box.out);
        attach_box_type(client, "\n");
        attach_box_expect(client, "one\r\ntwo\r\n");
        attach_box_type(client, "\n");
        cr_assert_eq(init_box_wait(&box), 3);
        attach_box_expect_end(client);
}

Test(init_attach, a_second_run_takes_up_who_attached_meanwhile) {
        static const char *const expected[] = { "run one\r\n", "run two\r\n" };
        _cleanup_init_box_ InitBox first = init_box_new(), second = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&first), client = attach_box_connect(&first);
        InitBox *boxes[] = { &first, &second };

        fd_close(second.in);
        second.in = fcntl(first.in, F_DUPFD_CLOEXEC, 3);
        for (size_t i = 0; i < ELEMENTSOF(boxes); i++) {
                attach_box_start(boxes[i], "stty -echo; echo up; read x; echo run $x; exit 4");
                attach_box_expect(client, "up\r\n");
                if (i == 0)
                        attach_box_type(client, "one\n");
                else
                        attach_box_type(client, "two\n");
                attach_box_expect(client, expected[i]);
                attach_box_expect_end(client);
                cr_assert_eq(init_box_wait(boxes[i]), 4);
                _cleanup_free_ char *note = init_box_result(result);
                cr_assert_str_eq(note, "4 0");
                run_result_reset(result);
                fd_close(client);
                client = attach_box_connect(&first);
        }
}
