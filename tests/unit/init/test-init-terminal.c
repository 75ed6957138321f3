/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/string.h"
#include "base/strv.h"
#include "box/attach-box.h"
#include "box/init-box.h"

TestSuite(init_terminal, .timeout = 60);

Test(init_terminal, the_payload_has_a_terminal_that_controls_its_session) {
        _cleanup_init_box_ InitBox box = init_box_new();

        init_box_start(&box, "supervise", "--terminal", "--", "sh", "-c",
                "for i in 0 2; do readlink /proc/self/fd/$i | tr -d 0-9; done; test -t 1; echo $?; "
                "[ \"$(tty)\" = \"$(readlink /proc/self/fd/0)\" ] && stty size && echo $TERM; "
                "echo mine >/dev/tty; exit 3");
        _cleanup_free_ char *got = init_box_read(box.out);
        cr_assert_eq(init_box_wait(&box), 3);
        cr_assert_str_eq(got, "/dev/pts/\r\n/dev/pts/\r\n0\r\n24 80\r\nxterm\r\nmine\r\n");
        init_box_expect_err(&box, "");
}

Test(init_terminal, term_is_what_the_task_says) {
        _cleanup_init_box_ InitBox box = init_box_new(), other = init_box_new();

        strv_append(&box.environment, "TERM=vt52");
        init_box_start(&box, "supervise", "--terminal", "--", "sh", "-c", "echo $TERM");
        init_box_expect(&box, "vt52\r\n");
        cr_assert_eq(init_box_wait(&box), 0);

        init_box_task(&other, INIT_BOX_BYTES("ETERM=linux\0"));
        init_box_start(&other, "supervise", "--terminal", "--", "sh", "-c", "echo $TERM");
        init_box_expect(&other, "linux\r\n");
        cr_assert_eq(init_box_wait(&other), 0);
}

Test(init_terminal, nspawn_saying_that_its_console_is_dumb_is_not_the_task_saying_so) {
        _cleanup_init_box_ InitBox box = init_box_new(), other = init_box_new();

        strv_append(&box.environment, "TERM=dumb");
        init_box_start(&box, "supervise", "--terminal", "--", "sh", "-c", "echo $TERM");
        init_box_expect(&box, "xterm\r\n");
        cr_assert_eq(init_box_wait(&box), 0);

        strv_append(&other.environment, "TERM=dumb");
        init_box_task(&other, INIT_BOX_BYTES("ETERM=dumb\0"));
        init_box_start(&other, "supervise", "--terminal", "--", "sh", "-c", "echo $TERM");
        init_box_expect(&other, "dumb\r\n");
        cr_assert_eq(init_box_wait(&other), 0);
}

Test(init_terminal, only_who_stays_can_hold_it) {
        static const char *const modes[] = { "exec", "boot" };

        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();

                init_box_start(&box, modes[i], "--terminal", "--", "true");
                cr_assert_eq(init_box_wait(&box), 125);
                init_box_expect_err(&box, "nspawn-units: unknown option \"--terminal\"\n");
        }
}

Test(init_terminal, the_terminal_is_the_users) {
        _cleanup_init_box_ InitBox box = init_box_new();

        if (geteuid() != 0)
                cr_skip_test("needs root");
        init_box_task(&box, INIT_BOX_BYTES("U1234:0\0"));
        init_box_start(&box, "supervise", "--terminal", "--", "sh", "-c",
                "stat -L -c %u /proc/self/fd/0; id -u; echo opened >$(tty)");
        init_box_expect(&box, "1234\r\n1234\r\nopened\r\n");
        cr_assert_eq(init_box_wait(&box), 0);
}

Test(init_terminal, a_command_that_cannot_run_is_told_in_the_journal) {
        _cleanup_init_box_ InitBox box = init_box_new();

        init_box_start(&box, "supervise", "--terminal", "--", "/no/such");
        cr_assert_eq(init_box_wait(&box), 127);
        init_box_expect_err(&box, "nspawn-units: command \"/no/such\": No such file or directory\n");
        init_box_expect_end(&box);
}

Test(init_terminal, the_payload_has_no_other_descriptor) {
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box), client = attach_box_connect(&box);

        attach_box_start(&box,
                "for i in $(seq 3 60); do [ ! -e /proc/self/fd/$i ] || echo leaked $i; done; "
                "test -t 0 && test -t 1 && test -t 2 && echo good");
        init_box_expect(&box, "good\r\n");
        init_box_expect_end(&box);
        cr_assert_eq(init_box_wait(&box), 0);
}

Test(init_terminal, all_output_comes_before_an_exact_end) {
        for (InitBoxOutput output = INIT_BOX_PIPE; output <= INIT_BOX_SOCKET; output++) {
                _cleanup_init_box_ InitBox box = init_box_new();
                _cleanup_fd_ int result = attach_box_hand_over(&box);
                _cleanup_free_ char *expected = attach_box_numbers(50000);

                box.output = output;
                attach_box_start(&box, "seq 1 50000; exit 133");
                _cleanup_free_ char *got = init_box_read(box.out);
                cr_assert_eq(init_box_wait(&box), 133);
                cr_assert(streq(got, expected), "%zu bytes, not %zu", strlen(got), strlen(expected));
                _cleanup_free_ char *note = init_box_result(result);
                cr_assert_str_eq(note, "133 0");
        }
}

/* Waits until the pipe of the output is full. */
static void wait_until_full(const InitBox *box) {
        struct pollfd room = { .fd = box->writer, .events = POLLOUT };

        while (poll(&room, 1, 0) > 0)
                continue;
}

Test(init_terminal, who_writes_on_after_the_end_does_not_put_it_off) {
        _cleanup_init_box_ InitBox box = init_box_new();
        uint64_t begin = clock_realtime_usec();
        char byte;

        box.keeps_writer = true;
        init_box_start(&box, "supervise", "--terminal", "--", "sh", "-c",
                "trap '' HUP; for i in 1 2 3 4; do yes & done; while :; do :; done");
        wait_until_full(&box);
        box.writer = fd_close(box.writer);
        cr_assert_eq(kill(box.pid, SIGTERM), 0);

        /* The reader is so slow that there is always more output. */
        while (read(box.out, &byte, 1) == 1)
                cr_assert_lt(clock_realtime_usec() - begin, 30 * USEC_PER_SEC);
        cr_assert_eq(init_box_wait(&box), 143);
}

Test(init_terminal, a_reader_that_does_not_read_holds_up_neither_signals_nor_the_end) {
        for (InitBoxOutput output = INIT_BOX_PIPE; output <= INIT_BOX_TERMINAL; output++) {
                _cleanup_init_box_ InitBox box = init_box_new();
                _cleanup_fd_ int result = attach_box_hand_over(&box);

                box.output = output;
                box.keeps_writer = true;
                attach_box_start(&box, "while :; do echo filling; done");
                wait_until_full(&box);
                cr_assert_eq(kill(box.pid, SIGTERM), 0);
                cr_assert_eq(init_box_wait(&box), 143);
                _cleanup_free_ char *note = init_box_result(result);
                cr_assert_str_eq(note, "143 15");
        }
}

Test(init_terminal, a_reader_that_comes_back_has_missed_nothing) {
        for (InitBoxOutput output = INIT_BOX_PIPE; output <= INIT_BOX_SOCKET; output++) {
                _cleanup_init_box_ InitBox box = init_box_new();
                _cleanup_free_ char *expected = attach_box_numbers(50000);

                box.output = output;
                box.keeps_writer = true;
                init_box_start(&box, "supervise", "--terminal", "--", "sh", "-c", "seq 1 50000; exit 9");
                wait_until_full(&box);
                box.writer = fd_close(box.writer);
                init_box_expect(&box, expected);
                init_box_expect_end(&box);
                cr_assert_eq(init_box_wait(&box), 9);
        }
}

Test(init_terminal, signals_of_the_container_reach_the_payload_and_a_stop_from_outside) {
        static const int signals[] = { SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGPIPE, SIGWINCH, SIGALRM };

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();
                _cleanup_free_ char *number = xasprintf("%d", signals[i]);

                init_box_start(&box, "supervise", "--terminal", "sh", "-c",
                        "trap 'echo usr2' USR2; trap 'echo got' $1; trap 'echo stop; exit 9' TERM; kill -$1 1; while :; do :; done",
                        "sh", number);
                init_box_expect(&box, signals[i] == SIGTERM ? "stop\r\n" : "got\r\n");
                if (signals[i] != SIGTERM) {
                        cr_assert_eq(kill(box.pid, SIGUSR2), 0);
                        cr_assert_eq(kill(box.pid, SIGTERM), 0);
                        init_box_expect(&box, "stop\r\n");
                }
                cr_assert_eq(init_box_wait(&box), 9, "signal %s", number);
        }
}

Test(init_terminal, orphans_are_reaped) {
        _cleanup_init_box_ InitBox box = init_box_new();

        init_box_start(&box, "supervise", "--terminal", "sh", "-c",
                "p=$(sh -c 'true & echo $!'); while kill -0 $p 2>/dev/null; do :; done; exit 4");
        cr_assert_eq(init_box_wait(&box), 4);
}

Test(init_terminal, a_payload_that_lets_go_of_its_terminal_may_take_it_again) {
        _cleanup_init_box_ InitBox box = init_box_new();

        init_box_start(&box, "supervise", "--terminal", "sh", "-c",
                "exec </dev/null >/dev/null 2>&1; seq 1 10000; echo back >/dev/tty; exit 5");
        init_box_expect(&box, "back\r\n");
        init_box_expect_end(&box);
        cr_assert_eq(init_box_wait(&box), 5);
}

Test(init_terminal, the_resident_process_is_small) {
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int result = attach_box_hand_over(&box), client = attach_box_connect(&box);

        attach_box_start(&box, "stty -echo; echo up; read x");
        attach_box_expect(client, "up\r\n");

        _cleanup_free_ char *path = xasprintf("/proc/%d/smaps_rollup", box.pid), *text = NULL;
        cr_assert_gt(file_read(AT_FDCWD, path, 65536, &text), 0);
        const char *line = strstr(text, "\nAnonymous:");
        cr_assert_not_null(line);
        cr_assert_leq(atol(strchr(line, ':') + 1), 100, "%s", text);

        attach_box_type(client, "\n");
        cr_assert_eq(init_box_wait(&box), 0);
}
