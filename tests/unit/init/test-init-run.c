/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd-letters.h"
#include "base/fd.h"
#include "base/run-result.h"
#include "base/string.h"
#include "base/strv.h"
#include "box/init-box.h"
#include "unit/fd-message.h"

TestSuite(init_run, .timeout = 30);

Test(init_run, exit_codes_are_the_payloads) {
        static const char *const codes[] = { "0", "7", "133", "255" };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();
                _cleanup_free_ char *script = xasprintf("exit %s", codes[i]);

                init_box_start(&box, "supervise", "--", "sh", "-c", script);
                cr_assert_eq(init_box_wait(&box), atoi(codes[i]));
                init_box_expect_err(&box, "");
        }
}

Test(init_run, a_signal_is_128_and_its_number) {
        _cleanup_init_box_ InitBox box = init_box_new();

        init_box_start(&box, "supervise", "sh", "-c", "kill -KILL $$");
        cr_assert_eq(init_box_wait(&box), 137);
}

Test(init_run, a_command_that_cannot_run_is_told_in_every_mode) {
        static const struct {
                const char *command;
                int code;
                const char *text;
        } rows[] = {
                { "/no/such", 127, "nspawn-units: command \"/no/such\": No such file or directory\n" },
                { "/etc/hostname/x", 127, "nspawn-units: command \"/etc/hostname/x\": Not a directory\n" },
                { "no-such", 127,
                        "nspawn-units: command \"no-such\": not found in PATH "
                        "(/usr/sbin:/usr/bin:/sbin:/bin)\n" },
                { "", 127,
                        "nspawn-units: command \"\": not found in PATH (/usr/sbin:/usr/bin:/sbin:/bin)\n" },
                { "/etc/passwd", 126, "nspawn-units: command \"/etc/passwd\": Permission denied\n" },
                { "/usr", 126, "nspawn-units: command \"/usr\": Permission denied\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows) * 2; i++) {
                _cleanup_init_box_ InitBox box = init_box_new();

                init_box_start(&box, i % 2 ? "exec" : "supervise", rows[i / 2].command);
                cr_assert_eq(init_box_wait(&box), rows[i / 2].code, "%s", rows[i / 2].command);
                init_box_expect_err(&box, rows[i / 2].text);
        }
}

Test(init_run, files_that_are_no_program_are_126_or_127) {
        _cleanup_init_box_ InitBox box = init_box_new(), other = init_box_new();
        init_box_make_directory(&box);
        _cleanup_free_ char *data = xasprintf("%s/data", box.directory);
        _cleanup_free_ char *script = xasprintf("%s/script", box.directory);
        _cleanup_free_ char *err = NULL;

        init_box_write_file(data, "echo no\n", 8);
        init_box_start(&box, "supervise", data);
        cr_assert_eq(init_box_wait(&box), 126);
        err = init_box_read(box.err);
        cr_assert(string_has_suffix(err, "/data\": Exec format error\n"), "%s", err);

        init_box_write_file(script, "#!/no/such\n", 11);
        init_box_start(&other, "supervise", script);
        cr_assert_eq(init_box_wait(&other), 127);
        free(err);
        err = init_box_read(other.err);
        cr_assert_not_null(strstr(err, "interpreter"), "%s", err);
}

Test(init_run, wrong_command_lines_are_125) {
        static const char *const lines[][4] = { { "init" }, { "init", "run", "true" },
                { "init", "exec", "--no", "true" }, { "init", "supervise", "--" } };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();
                const char *argv[5] = { lines[i][0], lines[i][1], lines[i][2], lines[i][3], NULL };

                init_box_start_list(&box, argv);
                cr_assert_eq(init_box_wait(&box), 125, "line %zu", i);
        }
}

#define FDS "for i in 3 4 5 6 7 8 9 10 49 50 51; do [ ! -e /proc/self/fd/$i ] || echo leaked $i; done; "

Test(init_run, stderr_and_the_result_come_through_stdin_and_only_stderr_is_the_tasks) {
        static const char *const modes[] = { "supervise", "exec" };

        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();
                _cleanup_fd_ int error = -1, result = -1;

                init_box_hand_over(&box, &error, &result);
                init_box_start(&box, modes[i], "--descriptors-on-stdin", "--", "sh", "-c",
                        FDS "echo out; echo err >&2; readlink /proc/self/fd/0; read x || echo eof; exit 7");
                init_box_expect(&box, "out\n/dev/null\neof\n");
                init_box_expect_end(&box);
                cr_assert_eq(init_box_wait(&box), 7);
                init_box_expect_err(&box, "");

                _cleanup_free_ char *text = init_box_read(error), *note = init_box_result(result);
                cr_assert_str_eq(text, "err\n");
                cr_assert_str_eq(note, i == 0 ? "7 0" : "", "only the supervisor outlives the command");
        }
}

Test(init_run, how_the_payload_ended_is_noted_exactly) {
        static const struct {
                const char *script, *note;
                int code;
        } rows[] = {
                { "exit 0", "0 0", 0 },
                { "exit 133", "133 0", 133 },
                { "exit 255", "255 0", 255 },
                { "exit 137", "137 0", 137 },
                { "kill -KILL $$", "137 9", 137 },
                { "kill -SEGV $$", "139 11", 139 },
                { "kill -INT $$; sleep 60", "130 2", 130 },
                { "kill -HUP $$; sleep 60", "129 1", 129 },
                { "kill -USR1 $$; sleep 60", "138 10", 138 },
                { "echo payload 0 0 >&3 || exit 3", "3 0", 3 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();
                _cleanup_fd_ int error = -1, result = -1;

                init_box_hand_over(&box, &error, &result);
                init_box_start(
                        &box, "supervise", "--descriptors-on-stdin", "--", "bash", "-c", rows[i].script);
                cr_assert_eq(init_box_wait(&box), rows[i].code, "%s", rows[i].script);
                _cleanup_free_ char *note = init_box_result(result);
                cr_assert_str_eq(note, rows[i].note, "%s", rows[i].script);
        }
}

Test(init_run, a_second_run_finds_the_descriptors_again) {
        _cleanup_fd_ int error = -1, result = -1, kept = -1;

        for (int i = 0; i < 2; i++) {
                _cleanup_init_box_ InitBox box = init_box_new();

                if (i == 0) {
                        init_box_hand_over(&box, &error, &result);
                        kept = fcntl(box.in, F_DUPFD_CLOEXEC, 3);
                } else {
                        run_result_reset(result); /* as nspawn-units-helper does before each run */
                        fd_close(box.in);
                        box.in = TAKE_FD(kept);
                }
                init_box_start(&box, "supervise", "--descriptors-on-stdin", "sh", "-c", "exit 4");
                cr_assert_eq(init_box_wait(&box), 4);
        }

        _cleanup_free_ char *note = init_box_result(result);
        cr_assert_str_eq(note, "4 0");
}

/* After an update this init may run in a unit that version 0.1.0 made, with descriptors as of its engine. */
Test(init_run, a_unit_of_version_0_1_0_gets_a_line_in_its_file) {
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int ledger = memfd_create("ledger", MFD_CLOEXEC);
        const FdMessageRow rows[] = { { LETTER_ERROR, STDERR_FILENO }, { LETTER_LEDGER, ledger } };
        int pair[2];

        cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
        cr_assert_eq(fd_message_send(pair[0], rows, ELEMENTSOF(rows)), 0);
        fd_close(pair[0]);
        fd_close(box.in);
        box.in = pair[1];
        init_box_start(&box, "supervise", "--descriptors-on-stdin", "sh", "-c", "kill -KILL $$");
        cr_assert_eq(init_box_wait(&box), 137);
        _cleanup_free_ char *note = init_box_read(ledger);
        cr_assert_str_eq(note, "payload 137 9\n");
}

Test(init_run, without_the_descriptors_it_was_promised_it_does_not_start) {
        _cleanup_init_box_ InitBox box = init_box_new();

        init_box_start(&box, "supervise", "--descriptors-on-stdin", "sh", "-c", "exit 0");
        cr_assert_eq(init_box_wait(&box), 125);
        _cleanup_free_ char *err = init_box_read(box.err);
        cr_assert_not_null(strstr(err, "descriptors of the task did not arrive"), "%s", err);
}

Test(init_run, own_words_go_to_the_journal_not_to_the_task) {
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int error = -1, result = -1;

        init_box_hand_over(&box, &error, &result);
        init_box_start(&box, "supervise", "--descriptors-on-stdin", "/no/such");
        cr_assert_eq(init_box_wait(&box), 127);
        init_box_expect_err(&box, "nspawn-units: command \"/no/such\": No such file or directory\n");
        cr_assert_eq(lseek(error, 0, SEEK_END), 0);
}

Test(init_run, nothing_but_three_descriptors_is_inherited) {
        _cleanup_init_box_ InitBox box = init_box_new();

        init_box_start(&box, "supervise", "sh", "-c", FDS "exit 0");
        init_box_expect_end(&box);
        cr_assert_eq(init_box_wait(&box), 0);
}

Test(init_run, stdout_ends_when_the_payload_closes_it) {
        for (InitBoxOutput output = INIT_BOX_PIPE; output <= INIT_BOX_SOCKET; output++) {
                _cleanup_init_box_ InitBox box = init_box_new();

                box.output = output;
                init_box_start(&box, "supervise", "sh", "-c", "exec >&-; exec sleep 1000");
                init_box_expect_end(&box);
                cr_assert_eq(kill(box.pid, SIGTERM), 0);
                cr_assert_eq(init_box_wait(&box), 143);
        }
}

#define TASK(...) (__VA_ARGS__), sizeof(__VA_ARGS__) - 1

Test(init_run, environment_comes_from_the_task_file) {
        static const char *const modes[] = { "supervise", "exec" };

        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();

                init_box_task(&box, TASK("EA=one\0EB=two\nlines\0EA=again\0EHOME=/task\0E_=\0"));
                init_box_start(
                        &box, modes[i], "sh", "-c", "echo \"$A|$B|$HOME|${CREDENTIALS_DIRECTORY-none}\"");
                init_box_expect(&box, "again|two\nlines|/task|none\n");
                cr_assert_eq(init_box_wait(&box), 0);
        }
}

Test(init_run, the_command_is_found_in_the_path_of_the_task) {
        _cleanup_init_box_ InitBox box = init_box_new();

        init_box_task(&box, TASK("EPATH=/no/such:/:/bin\0"));
        init_box_start(&box, "supervise", "usr");
        cr_assert_eq(init_box_wait(&box), 126);
        init_box_expect_err(&box, "nspawn-units: command \"usr\": Permission denied\n");
}

Test(init_run, no_task_file_is_nothing_to_apply) {
        _cleanup_init_box_ InitBox box = init_box_new();

        strv_append(&box.environment, "CREDENTIALS_DIRECTORY=/no/such");
        init_box_start(&box, "exec", "true");
        cr_assert_eq(init_box_wait(&box), 0);
}

Test(init_run, a_wrong_task_file_is_125) {
        static const struct {
                const char *bytes;
                size_t n;
                const char *mode, *text;
        } rows[] = {
                { TASK("EA=b\0Znew\0"), "supervise", "newer version" },
                { TASK("EA=b\0EC=cut"), "exec", "damaged" },
                { TASK("EA=b\0\0"), "exec", "damaged" },
                { TASK("E=b\0"), "supervise", "damaged" },
                { TASK("Uno-such-user\0"), "supervise", "no such user \"no-such-user\" in the image" },
                { TASK("U0:no-such-group\0"), "exec", "no such group \"no-such-group\" in the image" },
                { TASK("U0\0"), "boot", "cannot have a user" },
                { TASK("U4294967295\0"), "exec", "no such user" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();

                init_box_task(&box, rows[i].bytes, rows[i].n);
                init_box_start(&box, rows[i].mode, "--", "true");
                cr_assert_eq(init_box_wait(&box), 125, "row %zu", i);
                _cleanup_free_ char *err = init_box_read(box.err);
                cr_assert_not_null(strstr(err, rows[i].text), "%s", err);
                cr_assert_eq(strchr(err, '\n'), err + strlen(err) - 1, "%s", err);
        }
}

Test(init_run, a_task_file_over_the_limit_is_125) {
        _cleanup_free_ char *bytes = xcalloc(1024 * 1024 + 1, 1);
        memset(bytes, 'x', 1024 * 1024);

        for (size_t over = 0; over < 2; over++) {
                _cleanup_init_box_ InitBox box = init_box_new();

                memcpy(bytes, "EA=", 3);
                bytes[1024 * 1024 - 1] = over ? 'x' : 0;
                init_box_task(&box, bytes, 1024 * 1024 + over);
                init_box_start(&box, "exec", "true");
                /* At the limit the init accepts the file, but execve() fails: the string is too long. */
                cr_assert_eq(init_box_wait(&box), over ? 125 : 126);
        }
}

Test(init_run, signals_of_the_container_reach_the_payload) {
        static const int signals[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT,
                SIGURG, SIGALRM, SIGPIPE, SIGABRT, SIGTSTP, SIGTTIN };

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();
                _cleanup_free_ char *number = xasprintf("%d", signals[i]);

                init_box_start(&box, "supervise", "sh", "-c",
                        "trap 'echo got; exit 9' $1; kill -$1 1; while :; do :; done", "sh", number);
                init_box_expect(&box, "got\n");
                cr_assert_eq(init_box_wait(&box), 9, "signal %s", number);
        }
}

/* A signal to all processes of the unit reaches the payload directly, so the init need not pass it on. */
Test(init_run, of_signals_from_outside_only_a_stop_reaches_the_payload) {
        const int signals[] = { SIGTERM, SIGRTMIN + 4 };

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();

                init_box_start(&box, "supervise", "sh", "-c",
                        "trap 'echo hup' HUP; trap 'echo stop; exit 9' TERM; echo up; while :; do :; done");
                init_box_expect(&box, "up\n");
                cr_assert_eq(kill(box.pid, SIGHUP), 0);
                cr_assert_eq(kill(box.pid, signals[i]), 0);
                init_box_expect(&box, "stop\n");
                cr_assert_eq(init_box_wait(&box), 9);
        }
}

Test(init_run, the_payload_starts_with_default_signals) {
        _cleanup_init_box_ InitBox box = init_box_new();

        box.ignores_signals = true;
        init_box_start(
                &box, "supervise", "sed", "-n", "s/^Sig\\(Blk\\|Ign\\|Cgt\\):\t0*//p", "/proc/self/status");
        init_box_expect(&box, "\n\n\n");
        cr_assert_eq(init_box_wait(&box), 0);
}

Test(init_run, a_payload_that_signals_its_group_does_not_reach_the_init) {
        _cleanup_init_box_ InitBox box = init_box_new();

        init_box_start(
                &box, "supervise", "sh", "-c", "trap 'n=$((n+1)); echo $n' TERM; kill -TERM 0; exit $n");
        cr_assert_eq(init_box_wait(&box), 1);
}

Test(init_run, orphans_are_reaped) {
        _cleanup_init_box_ InitBox box = init_box_new();

        init_box_start(&box, "supervise", "sh", "-c",
                "p=$(sh -c 'true & echo $!'); while kill -0 $p 2>/dev/null; do :; done; exit 4");
        cr_assert_eq(init_box_wait(&box), 4);
}

/* Return: the socket for READY=1, which @box gets; @abstract: without a file. */
static int notify_listen(InitBox *box, bool abstract) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_free_ char *path = abstract ? xasprintf("@test-init-%d", getpid())
                                             : xasprintf("%s/notify", box->directory);
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        memcpy(address.sun_path, path, strlen(path));
        if (abstract)
                address.sun_path[0] = 0;
        socklen_t n = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(path));
        cr_assert_eq(bind(fd, (struct sockaddr *) &address, n), 0);
        strv_appendf(&box->environment, "NOTIFY_SOCKET=%s", path);
        return fd;
}

Test(init_run, ready_is_sent_once_the_payload_runs) {
        for (int abstract = 0; abstract < 2; abstract++) {
                _cleanup_init_box_ InitBox box = init_box_new();
                char message[4096] = {};

                init_box_task(&box, TASK(""));
                _cleanup_fd_ int fd = notify_listen(&box, abstract);
                init_box_start(&box, "supervise", "sh", "-c", "echo ${NOTIFY_SOCKET-none}; exec sleep 1000");
                init_box_expect(&box, "none\n");
                cr_assert_gt(recv(fd, message, sizeof(message) - 1, 0), 0);
                cr_assert(string_after_prefix(message, "READY=1\n"));

                cr_assert_eq(kill(box.pid, SIGTERM), 0);
                cr_assert_eq(init_box_wait(&box), 143);
                cr_assert_eq(recv(fd, message, sizeof(message), MSG_DONTWAIT), -1, "sent twice");
                init_box_expect_err(&box, "");
        }
}

/* nspawn reads the socket only as long as process 1 lives. */
Test(init_run, the_end_of_a_short_payload_waits_until_ready_was_read) {
        _cleanup_init_box_ InitBox box = init_box_new();
        char message[4096];

        _cleanup_fd_ int fd = notify_listen(&box, true);
        init_box_start(&box, "supervise", "sh", "-c", "exit 7");
        init_box_expect_end(&box);

        _cleanup_fd_ int pidfd = (int) syscall(SYS_pidfd_open, box.pid, 0);
        cr_assert_geq(pidfd, 0);
        struct pollfd end = { .fd = pidfd, .events = POLLIN };
        cr_assert_eq(poll(&end, 1, 300), 0, "the init ended before READY=1 was read");

        cr_assert_gt(recv(fd, message, sizeof(message), 0), 0);
        cr_assert_eq(init_box_wait(&box), 7);
}

Test(init_run, ready_is_not_sent_for_a_payload_that_never_ran) {
        static const char *const modes[] = { "supervise", "exec" };

        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();
                char message[64];
                _cleanup_fd_ int fd = notify_listen(&box, true);

                init_box_start(&box, modes[i], "/no/such");
                cr_assert_eq(init_box_wait(&box), 127);
                cr_assert_eq(recv(fd, message, sizeof(message), MSG_DONTWAIT), -1);
        }
}

#define PASSWD \
        "root:x:0:0:root:/root:/bin/sh\nbroken\nalice:x:1001:2001:Alice:/home/alice:/bin/sh\n" \
        "12:x:1003:1003::/name:/bin/sh\n"
#define GROUP "root:x:0:\nalice:x:2001:\nweb:x:3001:bob,alice\nnone:x:3002:malice\nlog:x:3003:alice\n"

Test(init_run, the_user_is_the_one_of_the_image) {
        static const struct {
                const char *task;
                size_t n;
                const char *out;
        } rows[] = {
                { TASK("Ualice\0"), "1001 2001 2001 3001 3003 /home/alice alice alice\n" },
                { TASK("U1001\0"), "1001 2001 2001 3001 3003 /home/alice alice alice\n" },
                { TASK("Ualice:web\0"), "1001 3001 3001 3003 /home/alice alice alice\n" },
                { TASK("Ualice:77\0EHOME=/x\0EUSER=y\0"), "1001 77 77 3001 3003 /x y alice\n" },
                { TASK("U12\0"), "12 0 0 / - -\n" },
                { TASK("U12:13\0"), "12 13 13 / - -\n" },
                { TASK("Uroot\0"), "0 0 0 /root root root\n" },
        };

        if (geteuid() != 0)
                cr_skip_test("needs root");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_init_box_ InitBox box = init_box_new();

                init_box_task(&box, rows[i].task, rows[i].n);
                _cleanup_free_ char *passwd = xasprintf("%s/passwd", box.directory);
                _cleanup_free_ char *group = xasprintf("%s/group", box.directory);
                init_box_write_file(box.passwd = passwd, TASK(PASSWD));
                init_box_write_file(box.group = group, TASK(GROUP));
                strv_append(&box.environment, "USER=nspawn");

                init_box_start(&box, i % 2 ? "exec" : "supervise", "sh", "-c",
                        "echo $(id -u) $(id -g) $(id -G | tr ' ' '\\n' | sort -nu) $HOME ${USER--} "
                        "${LOGNAME--}");
                _cleanup_free_ char *out = init_box_read(box.out);
                cr_assert_eq(init_box_wait(&box), 0);
                cr_assert_str_eq(out, rows[i].out, "row %zu", i);
        }
}

Test(init_run, an_ordinary_user_has_the_capabilities_that_were_granted_to_him) {
        static const struct {
                const char *task;
                size_t n;
                const char *set; /* CHOWN, KILL and NET_BIND_SERVICE are 421 */
        } rows[] = {
                { TASK("U1234\0"), "0" },
                { TASK("U1234\0C421\0"), "421" },
                { TASK("U1234\0C8000000000000421\0"), "421" },
                { TASK("U1234\0C421\0U1234:7\0"), "421" },
                { TASK("U1234\0C421\0U1235\0"), "0" },
                { TASK("Uno-such\0C421\0U1235\0"), "0" },
                { TASK("C421\0U1234\0"), "0" },
        };

        if (geteuid() != 0)
                cr_skip_test("needs root");
        for (size_t i = 0; i < ELEMENTSOF(rows) * 2; i++) {
                const char *set = rows[i / 2].set;
                _cleanup_free_ char *wanted = xasprintf("%s\n%s\n%s\n%s\n", set, set, set, set);
                _cleanup_init_box_ InitBox box = init_box_new();

                init_box_task(&box, rows[i / 2].task, rows[i / 2].n);
                init_box_start(&box, i % 2 ? "exec" : "supervise", "setpriv", "--no-new-privs", "sed", "-nE",
                        "s/^Cap(Inh|Prm|Eff|Amb):\t0*(.)/\\2/p", "/proc/self/status");
                _cleanup_free_ char *out = init_box_read(box.out);
                cr_expect_str_eq(out, wanted, "row %zu: %s", i / 2, out);
                cr_expect_eq(init_box_wait(&box), 0);
                init_box_expect_err(&box, "");
        }
}

Test(init_run, boot_runs_the_init_of_the_image_with_its_arguments) {
        _cleanup_init_box_ InitBox box = init_box_new(), empty = init_box_new();

        if (geteuid() != 0)
                cr_skip_test("needs root");
        init_box_task(&box, TASK("EA=b\0"));
        _cleanup_free_ char *command = xasprintf(
                "mkdir %s/sbin && cp %s %s/sbin/init", box.directory, init_box_program(), box.directory);
        cr_assert_eq(system(command), 0);

        /* The image's init is this same program; its message shows the arguments that it got. */
        box.root = box.directory;
        init_box_start(&box, "boot", "--", "exec", "--", "/no/such");
        cr_assert_eq(init_box_wait(&box), 127);
        init_box_expect_err(&box, "nspawn-units: command \"/no/such\": No such file or directory\n");

        init_box_make_directory(&empty);
        empty.root = empty.directory;
        init_box_start(&empty, "boot");
        cr_assert_eq(init_box_wait(&empty), 127);
        _cleanup_free_ char *err = init_box_read(empty.err);
        cr_assert_not_null(strstr(err, "cannot boot"), "%s", err);
}

/* The image's init is a shell, which never has a handler for the signal. */
Test(init_run, a_stop_waits_for_a_booted_system_that_has_no_handler_yet) {
        _cleanup_init_box_ InitBox box = init_box_new();
        char message[64];

        if (geteuid() != 0)
                cr_skip_test("needs root");
        init_box_task(&box, TASK(""));
        _cleanup_free_ char *command = xasprintf(
                "cd %s && cp --parents -L $(ldd /bin/sh | grep -o '/[^ ]*') . && mkdir sbin && cp -L /bin/sh sbin/init",
                box.directory);
        cr_assert_eq(system(command), 0);
        _cleanup_fd_ int fd = notify_listen(&box, true);
        box.root = box.directory;
        init_box_start(&box, "boot", "--", "-c", "echo up; while :; do :; done");

        /* A stop may come as soon as READY=1 was sent. */
        cr_assert_gt(recv(fd, message, sizeof(message), 0), 0);
        cr_assert(string_after_prefix(message, "READY=1\n"));
        cr_assert_eq(kill(box.pid, SIGRTMIN + 3), 0);
        init_box_expect(&box, "up\n");

        _cleanup_free_ char *path = xasprintf("/proc/%d/status", box.pid),
                            *pending = xasprintf("\nShdPnd:\t%016llx\n", 1ULL << (SIGRTMIN + 2)),
                            *text = NULL;
        cr_assert_gt(file_read(AT_FDCWD, path, 65536, &text), 0);
        cr_assert_not_null(strstr(text, pending), "%s", text);

        cr_assert_eq(kill(box.pid, SIGKILL), 0);
        cr_assert_eq(waitpid(box.pid, NULL, 0), box.pid);
}

Test(init_run, the_resident_process_is_small) {
        _cleanup_init_box_ InitBox box = init_box_new();
        _cleanup_fd_ int fd = notify_listen(&box, true);
        char message[64];

        init_box_start(&box, "supervise", "sleep", "1000");
        cr_assert_gt(recv(fd, message, sizeof(message), 0), 0);

        _cleanup_free_ char *path = xasprintf("/proc/%d/smaps_rollup", box.pid), *text = NULL;
        cr_assert_gt(file_read(AT_FDCWD, path, 65536, &text), 0);
        /* Anonymous, not Private_, which counts the program's pages if no other task shares them. */
        const char *line = strstr(text, "\nAnonymous:");
        cr_assert_not_null(line);
        cr_assert_leq(atol(strchr(line, ':') + 1), 100, "%s", text);

        cr_assert_eq(kill(box.pid, SIGKILL), 0);
        cr_assert_eq(waitpid(box.pid, NULL, 0), box.pid);
}
