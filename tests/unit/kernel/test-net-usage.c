/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/net-usage.h"

#define HEAD \
        "Inter-|   Receive                                                |  Transmit\n" \
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"

Test(net_usage, all_interfaces_but_the_loopback_are_summed_up) {
        static const struct {
                const char *text;
                uint64_t received, sent;
        } rows[] = {
                { HEAD "    lo:  111    1  0 0 0 0 0 0   222  1 0 0 0 0 0 0\n"
                       "  eth0: 1000    7  1 2 3 4 5 6   300  8 0 0 0 0 0 0\n"
                       "host0:5 0 0 0 0 0 0 0 6 0 0 0 0 0 0 0\n",
                        1005, 306 },
                { HEAD "  eth0:18446744073709551615 1 0 0 0 0 0 0 18446744073709551614 1 0 0 0 0 0 0\n",
                        UINT64_MAX, UINT64_MAX - 1 },
                { HEAD "  lo0: 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\n eth0:1: 3 0 0 0 0 0 0 0 4 0 0 0 0 0 0 0\n",
                        4, 6 },
                { HEAD "eth0: 1 2 3\neth1: x 0 0 0 0 0 0 0 2\neth2:\n", 0, 0 },
                { HEAD, 0, 0 },
                { "", 0, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                NetUsage usage = { 7, 7 };

                net_usage_parse(rows[i].text, &usage);
                cr_expect_eq(usage.received, rows[i].received, "row %zu: %" PRIu64, i, usage.received);
                cr_expect_eq(usage.sent, rows[i].sent, "row %zu: %" PRIu64, i, usage.sent);
        }
}

Test(net_usage, a_shared_network_is_not_the_processs_own) {
        NetUsage usage;

        cr_expect_eq(net_usage_read(getpid(), &usage), -ENODATA);
        cr_expect_eq(net_usage_read(0, &usage), -ESRCH);
        cr_expect_eq(net_usage_read(-1, &usage), -ESRCH);
}

Test(net_usage, a_network_of_its_own_is_counted_while_the_process_lives) {
        NetUsage usage = { 7, 7 };
        int pipes[2];
        char byte;

        cr_assert_eq(pipe(pipes), 0);
        pid_t pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0) {
                byte = unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : (char) errno;
                (void) !write(pipes[1], &byte, 1);
                (void) pause();
                _exit(0);
        }
        cr_assert_eq(read(pipes[0], &byte, 1), 1);
        int r = net_usage_read(pid, &usage);
        cr_assert_eq(kill(pid, SIGKILL), 0);
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
        if (byte == EPERM)
                cr_skip_test("may not make a network namespace");

        cr_assert_eq(byte, 0, "%s", strerror(byte));
        cr_expect_eq(r, 0);
        cr_expect_eq(usage.received + usage.sent, 0);
        cr_expect_eq(net_usage_read(pid, &usage), -ESRCH);
}
