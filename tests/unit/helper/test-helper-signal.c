/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/init-box.h"

/* nspawn-units-helper as systemd runs it to reload and to stop a unit, with this process as nspawn. */
TestSuite(helper_signal, .timeout = 30);

static int helper_run(pid_t supervisor, const char *const *argv) {
        _cleanup_free_ char *directory = xstrdup(init_box_program()),
                            *variable = xasprintf("MAINPID=%d", supervisor);
        int status;

        *strrchr(directory, '/') = 0;
        _cleanup_free_ char *path = xasprintf("%s/nspawn-units-helper", directory);
        pid_t pid = fork();
        if (pid == 0) {
                if (supervisor > 0)
                        (void) putenv(variable);
                (void) execv(path, (char **) (uintptr_t) argv);
                _exit(92);
        }
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_assert(WIFEXITED(status));
        return WEXITSTATUS(status);
}
#define helper(supervisor, ...) helper_run(supervisor, (const char *const[]){ "helper", __VA_ARGS__, NULL })

Test(helper_signal, a_reload_reaches_the_process_once_and_no_other) {
        static const char *const rows[][2] = { { "supervise", "command" }, { "exec", "first" } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();

                init_box_start(&box, rows[i][0], "sh", "-c",
                        "sh -c 'trap \"echo wrong\" HUP; while :; do :; done' & trap 'echo hup' HUP; "
                        "trap 'echo usr; kill -KILL $!; exit 7' USR1; echo up; while :; do :; done");
                init_box_expect(&box, "up\n");
                cr_assert_eq(helper(getpid(), "reload", rows[i][1], "1"), 0);
                init_box_expect(&box, "hup\n");
                cr_assert_eq(helper(getpid(), "reload", rows[i][1], "10"), 0);
                init_box_expect(&box, "usr\n");
                cr_assert_eq(init_box_wait(&box), 7);
                init_box_expect_end(&box);

                cr_assert_eq(helper(getpid(), "reload", rows[i][1], "1"), 1, "the leader has ended");
        }
}

Test(helper_signal, a_stop_asks_the_first_process_and_waits_for_the_end_of_nspawn) {
        int out[2];
        char text[16] = {};

        cr_assert_eq(pipe(out), 0);
        pid_t supervisor = fork();
        if (supervisor == 0) {
                _cleanup_init_box_ InitBox box = init_box_new();

                init_box_start(
                        &box, "supervise", "sh", "-c", "trap 'exit 7' TERM; echo up; while :; do :; done");
                init_box_expect(&box, "up\n");
                (void) fd_write_all(out[1], "up", 2);
                int code = init_box_wait(&box);
                (void) fd_write_all(out[1], code == 7 ? "good" : "bad", 4);
                _exit(0);
        }
        close(out[1]);
        cr_assert_eq(read(out[0], text, 2), 2);
        cr_assert_eq(helper(supervisor, "stop", "15", "no-such-machine"), 0);
        cr_assert_eq(read(out[0], text, sizeof(text) - 1), 4);
        cr_assert_str_eq(text, "good");
        cr_assert_eq(waitpid(supervisor, NULL, 0), supervisor);
}

Test(helper_signal, a_stop_of_what_has_ended_has_nothing_to_do) {
        cr_assert_eq(helper(0, "stop", "15", "no-such-machine"), 0);
        cr_assert_eq(helper(getpid(), "stop", "15", "no-such-machine"), 0, "there is no container");
}

Test(helper_signal, wrong_usage_is_an_error) {
        cr_expect_eq(helper(getpid(), "reload"), 1);
        cr_expect_eq(helper(getpid(), "reload", "command"), 1);
        cr_expect_eq(helper(getpid(), "reload", "other", "1"), 1);
        cr_expect_eq(helper(getpid(), "reload", "first", "0"), 1);
        cr_expect_eq(helper(getpid(), "reload", "first", "1x"), 1);
        cr_expect_eq(helper(getpid(), "stop", "15"), 1);
        cr_expect_eq(helper(getpid(), "stop", "65", "name"), 1);
}
