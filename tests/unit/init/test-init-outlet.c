/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "box/init-box.h"

TestSuite(init_outlet, .timeout = 60);

static InitBox socket_box_new(void) {
        InitBox box = init_box_new();

        box.output = INIT_BOX_SOCKET;
        return box;
}

Test(init_outlet, an_output_that_is_a_socket_can_be_opened_by_name) {
        _cleanup_init_box_ InitBox box = socket_box_new();

        init_box_start(&box, "supervise", "sh", "-c",
                "echo first; echo named >/dev/stdout; echo number >/proc/self/fd/1; "
                "test -p /dev/stdout || echo no pipe; exit 5");
        init_box_expect(&box, "first\nnamed\nnumber\n");
        init_box_expect_end(&box);
        cr_assert_eq(init_box_wait(&box), 5);
}

Test(init_outlet, any_user_may_open_it) {
        static const char task[] = "Unobody\0";
        _cleanup_init_box_ InitBox box = socket_box_new();

        if (geteuid() != 0)
                cr_skip_test("another user takes root");
        init_box_task(&box, task, sizeof(task) - 1);
        init_box_start(&box, "supervise", "sh", "-c", "id -un; echo named >/dev/stdout");
        init_box_expect(&box, "nobody\nnamed\n");
        cr_assert_eq(init_box_wait(&box), 0);
}

Test(init_outlet, output_and_errors_in_one_socket_keep_their_order) {
        _cleanup_init_box_ InitBox box = socket_box_new();

        box.err_is_out = true;
        init_box_start(&box, "supervise", "sh", "-c",
                "for i in 1 2 3; do echo out; echo err >&2; done; echo named >/dev/stderr");
        init_box_expect(&box, "out\nerr\nout\nerr\nout\nerr\nnamed\n");
        init_box_expect_end(&box);
        cr_assert_eq(init_box_wait(&box), 0);
}

Test(init_outlet, all_output_comes_before_the_end) {
        _cleanup_init_box_ InitBox box = socket_box_new();
        size_t n = 0;

        init_box_start(&box, "supervise", "sh", "-c", "seq 1 50000; exit 9");
        _cleanup_free_ char *got = init_box_read(box.out);
        for (const char *p = got; *p; p++)
                n += *p == '\n';
        cr_expect_eq(n, 50000, "%zu lines", n);
        cr_assert_eq(init_box_wait(&box), 9);
}

Test(init_outlet, a_reader_that_does_not_read_holds_up_neither_signals_nor_the_end) {
        _cleanup_init_box_ InitBox box = socket_box_new();
        uint64_t begin = clock_realtime_usec();

        init_box_start(&box, "supervise", "sh", "-c",
                "trap 'exit 7' TERM; echo up; while :; do echo filling; done");
        init_box_expect(&box, "up\n");
        cr_assert_eq(kill(box.pid, SIGTERM), 0);
        cr_assert_eq(init_box_wait(&box), 7);
        cr_expect_lt(clock_realtime_usec() - begin, 30 * USEC_PER_SEC);
}

Test(init_outlet, the_payload_hears_that_nobody_reads_any_more) {
        _cleanup_init_box_ InitBox box = socket_box_new();

        init_box_start(&box, "supervise", "sh", "-c", "echo up; while :; do echo filling; done");
        init_box_expect(&box, "up\n");
        box.out = fd_close(box.out);
        cr_assert_eq(init_box_wait(&box), 128 + SIGPIPE);
}
