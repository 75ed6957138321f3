/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "box/init-box.h"

TestSuite(init_outlet, .timeout = 60);

static Box socket_box_new(void) {
        Box box = box_new();

        box.output = BOX_SOCKET;
        return box;
}

Test(init_outlet, an_output_that_is_a_socket_can_be_opened_by_name) {
        _cleanup_box_ Box box = socket_box_new();

        box_start(&box, "supervise", "sh", "-c",
                "echo first; echo named >/dev/stdout; echo number >/proc/self/fd/1; "
                "test -p /dev/stdout || echo no pipe; exit 5");
        box_expect(&box, "first\nnamed\nnumber\n");
        box_expect_end(&box);
        cr_assert_eq(box_wait(&box), 5);
}

Test(init_outlet, any_user_may_open_it) {
        static const char task[] = "Unobody\0";
        _cleanup_box_ Box box = socket_box_new();

        if (geteuid() != 0)
                cr_skip_test("another user takes root");
        box_task(&box, task, sizeof(task) - 1);
        box_start(&box, "supervise", "sh", "-c", "id -un; echo named >/dev/stdout");
        box_expect(&box, "nobody\nnamed\n");
        cr_assert_eq(box_wait(&box), 0);
}

Test(init_outlet, output_and_errors_in_one_socket_keep_their_order) {
        _cleanup_box_ Box box = socket_box_new();

        box.err_is_out = true;
        box_start(&box, "supervise", "sh", "-c",
                "for i in 1 2 3; do echo out; echo err >&2; done; echo named >/dev/stderr");
        box_expect(&box, "out\nerr\nout\nerr\nout\nerr\nnamed\n");
        box_expect_end(&box);
        cr_assert_eq(box_wait(&box), 0);
}

Test(init_outlet, all_output_comes_before_the_end) {
        _cleanup_box_ Box box = socket_box_new();
        size_t n = 0;

        box_start(&box, "supervise", "sh", "-c", "seq 1 50000; exit 9");
        _cleanup_free_ char *got = fd_text(box.out);
        for (const char *p = got; *p; p++)
                n += *p == '\n';
        cr_expect_eq(n, 50000, "%zu lines", n);
        cr_assert_eq(box_wait(&box), 9);
}

Test(init_outlet, a_reader_that_does_not_read_holds_up_neither_signals_nor_the_end) {
        _cleanup_box_ Box box = socket_box_new();
        uint64_t begin = clock_realtime_usec();

        box_start(&box, "supervise", "sh", "-c",
                "trap 'exit 7' TERM; echo up; while :; do echo filling; done");
        box_expect(&box, "up\n");
        cr_assert_eq(kill(box.pid, SIGTERM), 0);
        cr_assert_eq(box_wait(&box), 7);
        cr_expect_lt(clock_realtime_usec() - begin, 30 * USEC_PER_SEC);
}

Test(init_outlet, the_payload_hears_that_nobody_reads_any_more) {
        _cleanup_box_ Box box = socket_box_new();

        box_start(&box, "supervise", "sh", "-c", "echo up; while :; do echo filling; done");
        box_expect(&box, "up\n");
        box.out = fd_close(box.out);
        cr_assert_eq(box_wait(&box), 128 + SIGPIPE);
}
