/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <glob.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/string.h"
#include "box/container-box.h"
#include "box/fake-systemd.h"
#include "kernel/cgroup.h"

TestSuite(exec, .timeout = 60);

Test(exec, output_error_and_code_come_apart) {
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        cr_assert_eq(container_box_shell(&box, "echo out; echo err >&2; exit 43"), 43);
        cr_assert_str_eq(container_box_output(&box), "out\n");
        cr_assert_str_eq(container_box_error(&box), "err\n");
        cr_assert_null(box.words);
}

Test(exec, input_reaches_the_command_and_its_end_too) {
        static char bytes[3 * 1024 * 1024];
        char cat[] = "cat";
        char *command[] = { cat, NULL };
        _cleanup_container_box_ ContainerBox box;

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (char) (i * 7 + i / 255);
        container_box_open(&box, 0);
        container_box_begin(&box, &(ExecSpec){ .command = command });
        cr_assert_not(exec_write(box.exec, bytes, sizeof(bytes)), "there is no room for more");
        RUN_UNTIL(box.event, box.n_drained > 0);
        cr_assert(exec_write(box.exec, "end", 3));
        exec_close_input(box.exec);
        container_box_wait(&box);
        cr_assert_eq(box.outputs[EXEC_OUTPUT].length, sizeof(bytes) + 3);
        cr_assert_eq(memcmp(container_box_output(&box), bytes, sizeof(bytes)), 0);
}

Test(exec, a_command_that_reads_no_more_has_no_room) {
        char sh[] = "sh", c[] = "-c", script[] = "exec <&-; echo closed; sleep 60";
        char *command[] = { sh, c, script, NULL };
        _cleanup_container_box_ ContainerBox box;

        (void) signal(SIGPIPE, SIG_IGN);
        container_box_open(&box, 0);
        container_box_begin(&box, &(ExecSpec){ .command = command });
        RUN_UNTIL(box.event, box.outputs[EXEC_OUTPUT].length > 0);
        RUN_UNTIL(box.event, !exec_write(box.exec, "x", 1));
        for (int turn = 0; turn < 5; turn++)
                cr_assert_geq(sd_event_run(box.event, 0), 0);
        cr_expect_not(exec_write(box.exec, "x", 1));
        cr_expect_eq(box.n_drained, 0, "there is no room");
        exec_kill(box.exec);
        container_box_wait(&box);
}

Test(exec, the_command_is_in_all_namespaces_and_has_no_descriptor_but_three) {
        static const char *const names[] = { "mnt", "pid", "net", "ipc", "uts", "cgroup", "user" };
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, CLONE_NEWUSER);
        cr_assert_eq(
                container_box_shell(&box,
                        "for n in mnt pid net ipc uts cgroup user; do readlink /proc/self/ns/$n; done; echo /proc/self/fd/*; "
                        "pwd; id -u; id -G; umask; hostname"),
                0, "%s", container_box_error(&box));

        _cleanup_string_buffer_ StringBuffer expected = {};
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *path = xasprintf("/proc/%d/ns/%s", box.leader, names[i]);
                char target[64] = {};

                cr_assert_gt(readlink(path, target, sizeof(target) - 1), 0);
                string_buffer_append(&expected, "%s\n", target);
        }
        /* The shell opens the directory with a descriptor of its own. */
        string_buffer_append(&expected,
                "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n/usr\n0\n0\n0022\nbox\n");
        cr_assert_str_eq(container_box_output(&box), expected.text);
}

Test(exec, capabilities_and_limits_are_those_of_the_container) {
        static const char line[] =
                "grep -E 'Cap(Bnd|Prm|Amb)|NoNewPrivs' /proc/self/status; cat /proc/self/limits";
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        cr_assert_eq(prlimit(box.leader, RLIMIT_NOFILE, &(struct rlimit){ 321, 654 }, NULL), 0);
        cr_assert_eq(container_box_shell(&box, line), 0);
        cr_assert_not_null(strstr(container_box_output(&box), "321"));
        cr_assert_not_null(strstr(container_box_output(&box), "654"));
        cr_assert_null(strstr(container_box_output(&box), "CapBnd:\t000001ffffffffff"), "one was dropped");
        cr_assert_not_null(strstr(container_box_output(&box), "CapAmb:\t0000000000000000"));
}

Test(exec, the_system_call_filters_are_those_of_the_container) {
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, CLONE_NEWUSER);
        cr_assert_neq(container_box_shell(&box, "grep Seccomp /proc/1/status; hostname other"), 0);
        _cleanup_free_ char *filters = xstrdup(container_box_output(&box));
        cr_assert_not_null(strstr(filters, "Seccomp:\t2\n"));
        cr_assert_not_null(
                strstr(container_box_error(&box), "you must be root"), "%s", container_box_error(&box));

        cr_assert_eq(container_box_shell(&box, "grep Seccomp /proc/self/status"), 0);
        cr_assert_str_eq(container_box_output(&box), filters);
}

Test(exec, a_container_that_is_traced_by_another_runs_nothing_without_its_filters) {
        char name[] = "true";
        char *command[] = { name, NULL };
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        cr_assert_eq(ptrace(PTRACE_SEIZE, box.leader, NULL, NULL), 0);
        container_box_begin(&box, &(ExecSpec){ .command = command });
        container_box_wait(&box);
        cr_assert_not(box.has_result);
        cr_assert_str_eq(box.words,
                "cannot read the task's system call filter, without which nothing is run in it: Operation not permitted");
}

/* Each command needs the leader for itself for a moment. */
Test(exec, commands_that_begin_at_once_all_run) {
        char shell[] = "/bin/sh", option[] = "-c", line[] = "grep -c . /proc/self/status; exit 3";
        char *command[] = { shell, option, line, NULL };
        ContainerBox boxes[8];

        container_box_open(&boxes[0], 0);
        /* The directory has the lock for which they wait. */
        cr_assert(mkdir(boxes[0].directory, 0700) == 0, "%s: %s", boxes[0].directory, strerror(errno));
        for (size_t i = 1; i < ELEMENTSOF(boxes); i++)
                boxes[i] = boxes[0];
        for (size_t i = 0; i < ELEMENTSOF(boxes); i++)
                container_box_begin(&boxes[i], &(ExecSpec){ .command = command });
        for (size_t i = 0; i < ELEMENTSOF(boxes); i++) {
                container_box_wait(&boxes[i]);
                cr_expect(boxes[i].has_result && boxes[i].result.code == 3, "%s", boxes[i].words);
        }
        for (size_t i = 1; i < ELEMENTSOF(boxes); i++) {
                exec_free(boxes[i].exec);
                string_buffer_clear(&boxes[i].outputs[EXEC_OUTPUT]);
                free(boxes[i].words);
        }
        (void) rmdir(boxes[0].directory);
        container_box_close(&boxes[0]);
}

Test(exec, a_program_that_is_not_there_is_said_with_127_and_one_that_cannot_be_run_with_126) {
        static const struct {
                const char *name;
                int code;
                const char *words;
        } rows[] = {
                { "no-such-program", 127, "command \"no-such-program\": not found in PATH" },
                { "/no/such", 127, "command \"/no/such\": No such file or directory" },
                { "/etc/passwd", 126, "command \"/etc/passwd\": Permission denied" },
                { "/etc", 126, "command \"/etc\": Permission denied" },
        };
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *command[] = { (char *) (uintptr_t) rows[i].name, NULL };

                container_box_begin(&box, &(ExecSpec){ .command = command });
                container_box_wait(&box);
                cr_assert(box.has_result);
                cr_assert_eq(box.result.code, rows[i].code);
                cr_assert_not_null(strstr(box.words, rows[i].words), "%s", box.words);
        }
}

Test(exec, what_cannot_be_set_up_is_said_and_has_no_code) {
        static const struct {
                ExecSpec spec;
                const char *words;
        } rows[] = {
                { { .user = "nobody-knows" }, "no such user \"nobody-knows\" in the image" },
                { { .user = "root:nobody-knows" }, "no such group \"nobody-knows\" in the image" },
                { { .directory = "/no/such" }, "cannot start in \"/no/such\": No such file or directory" },
        };
        char name[] = "true";
        char *command[] = { name, NULL };
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ExecSpec spec = rows[i].spec;

                spec.command = command;
                container_box_begin(&box, &spec);
                container_box_wait(&box);
                cr_assert_not(box.has_result);
                cr_assert_str_eq(box.words, rows[i].words);
        }
}

Test(exec, a_user_is_one_of_the_container) {
        char shell[] = "/bin/sh", option[] = "-c", line[] = "id -u; id -g; echo $HOME $USER $MORE; pwd";
        char more[] = "MORE=yes";
        char *command[] = { shell, option, line, NULL }, *environment[] = { more, NULL };
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, CLONE_NEWUSER);
        container_box_begin(&box,
                &(ExecSpec){ .command = command,
                        .environment = environment,
                        .user = "daemon:root",
                        .directory = "/tmp" });
        container_box_wait(&box);
        cr_assert_str_eq(container_box_output(&box), "1\n0\n/usr/sbin daemon yes\n/tmp\n", "%s",
                container_box_output(&box));
}

Test(exec, a_terminal_is_the_commands_own_and_has_the_size_that_was_set_last) {
        char shell[] = "/bin/sh", option[] = "-c";
        char line[] = "tty; stty size; read a; stty size; echo \"<$a>\" >&2; exit 3";
        char *command[] = { shell, option, line, NULL };
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, CLONE_NEWUSER);
        container_box_begin(&box, &(ExecSpec){ .command = command, .terminal = true });
        exec_resize(box.exec, 50, 40);
        exec_resize(box.exec, 33, 77);
        RUN_UNTIL(box.event, strstr(container_box_output(&box), "33 77"));
        exec_resize(box.exec, 10, 20);
        cr_assert(exec_write(box.exec, "hello\n", 6));
        container_box_wait(&box);
        cr_assert_eq(box.result.code, 3);
        cr_assert_str_eq(container_box_output(&box), "/dev/pts/0\r\n33 77\r\nhello\r\n10 20\r\n<hello>\r\n");
        cr_assert_str_eq(container_box_error(&box), "");
}

Test(exec, the_input_of_a_terminal_ends_with_its_character) {
        char cat[] = "cat";
        char *command[] = { cat, NULL };
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        container_box_begin(&box, &(ExecSpec){ .command = command, .terminal = true });
        cr_assert(exec_write(box.exec, "line\n", 5));
        exec_close_input(box.exec);
        container_box_wait(&box);
        cr_assert_eq(box.result.code, 0);
        cr_assert_str_eq(container_box_output(&box), "line\r\nline\r\n");
}

Test(exec, the_login_shell_is_that_of_the_user) {
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        container_box_begin(&box, &(ExecSpec){});
        cr_assert(exec_write(box.exec, "echo $0; exit 9\n", 16));
        container_box_wait(&box);
        cr_assert_eq(box.result.code, 9);
        cr_assert_str_eq(container_box_output(&box), "-bash\n");
}

Test(exec, output_that_is_not_read_waits_and_is_complete_at_the_end) {
        char shell[] = "/bin/sh", option[] = "-c", line[] = "head -c 60000 /dev/zero; exit 5";
        char *command[] = { shell, option, line, NULL };
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        container_box_begin(&box, &(ExecSpec){ .command = command });
        exec_set_reading(box.exec, false);
        for (int i = 0; i < 20; i++)
                cr_assert_geq(sd_event_run(box.event, 50 * USEC_PER_MSEC), 0);
        cr_assert_eq(box.n_ended, 0, "an end before the output");
        cr_assert_eq(box.outputs[EXEC_OUTPUT].length, 0);
        exec_set_reading(box.exec, true);
        container_box_wait(&box);
        cr_assert_eq(box.outputs[EXEC_OUTPUT].length, 60000);
        cr_assert_eq(box.result.code, 5);
}

Test(exec, the_end_of_the_command_is_the_end_although_others_hold_its_output) {
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        cr_assert_eq(container_box_shell(&box, "sleep 1000 & echo main"), 0);
        cr_assert_str_eq(container_box_output(&box), "main\n");
}

Test(exec, a_signal_is_told) {
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        cr_assert_eq(container_box_shell(&box, "kill -9 $$"), 137);
        cr_assert_eq(box.result.signal, 9);
}

/* Kills the leader, and expects the end of the container: a process that is not reaped would prevent it. */
static void expect_end(ContainerBox *box) {
        kill(box->leader, SIGKILL);
        RUN_UNTIL(box->event, waitpid(box->leader, NULL, WNOHANG) == box->leader);
        box->leader = 0;
        RUN_UNTIL(box->event, waitpid(-1, NULL, WNOHANG) < 0);
}

Test(exec, a_command_that_is_killed_or_let_go_leaves_no_process) {
        char name[] = "sleep", time[] = "1000";
        char *command[] = { name, time, NULL };
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        container_box_begin(&box, &(ExecSpec){ .command = command });
        for (int i = 0; i < 10; i++)
                cr_assert_geq(sd_event_run(box.event, 20 * USEC_PER_MSEC), 0);
        exec_kill(box.exec);
        container_box_wait(&box);
        cr_assert(!box.has_result || box.result.signal == 9);

        for (int rounds = 0; rounds < 12; rounds++) {
                container_box_begin(&box, &(ExecSpec){ .command = command });
                for (int i = 0; i < rounds; i++)
                        cr_assert_geq(sd_event_run(box.event, 2 * USEC_PER_MSEC), 0);
                box.exec = exec_free(box.exec);
        }
        expect_end(&box);
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

static struct sock_filter sends_nothing[] = {
        LOAD(nr),
        UNLESS(SYS_sendmsg, 1),
        RETURN(SECCOMP_RET_ERRNO | EPERM),
        UNLESS(SYS_recvfrom, 1),
        RETURN(SECCOMP_RET_ERRNO | EPERM),
        RETURN(SECCOMP_RET_ALLOW),
};

/* Kills the process that becomes the command at its first system call. */
static struct sock_filter dies_at_once[] = {
        LOAD(nr),
        UNLESS(SYS_sendmsg, 1),
        RETURN(SECCOMP_RET_ERRNO | EPERM),
        UNLESS(SYS_prctl, 3),
        LOAD(args[0]),
        UNLESS(PR_SET_PDEATHSIG, 1),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        RETURN(SECCOMP_RET_ALLOW),
};

Test(exec, a_container_that_may_not_send_messages_runs_commands_too) {
        const struct sock_fprog filter = { ELEMENTSOF(sends_nothing), sends_nothing };
        _cleanup_container_box_ ContainerBox box;

        container_box_open_filtered(&box, 0, &filter);
        cr_assert_eq(container_box_shell(&box, "echo it runs; exit 4"), 4, "%s", box.words);
        cr_assert_str_eq(container_box_output(&box), "it runs\n");
        expect_end(&box);
}

Test(exec, a_command_that_nobody_was_told_of_is_reaped_although_it_is_dead) {
        const struct sock_fprog filter = { ELEMENTSOF(dies_at_once), dies_at_once };
        _cleanup_container_box_ ContainerBox box;

        container_box_open_filtered(&box, 0, &filter);
        (void) container_box_shell(&box, "echo never");
        cr_assert_eq(box.result.signal, SIGSYS, "%d", box.result.signal);
        expect_end(&box);
}

Test(exec, a_command_that_cannot_be_watched_leaves_no_control_group) {
        char program[] = "true";
        char *command[] = { program, NULL };
        _cleanup_error_ Error *error = NULL;
        _cleanup_container_box_ ContainerBox box;
        glob_t found;

        container_box_open(&box, 0);
        _cleanup_free_ char *group = cgroup_of_process(box.leader);
        _cleanup_free_ char *pattern = xasprintf(
                "/sys/fs/cgroup%s/nspawn-exec-%d-*", group ? group : "", getpid());
        _cleanup_free_ char *path = xasprintf("/sys/fs/cgroup%s/cgroup.procs", group ? group : "");
        if (!group || access(path, W_OK) < 0)
                cr_skip_test("no control groups that can be written to");

        /* A loop that has ended takes no new event sources. */
        cr_assert_geq(sd_event_exit(box.event, 0), 0);
        cr_assert_geq(sd_event_loop(box.event), 0);
        const ExecPlace place = {
                .helper = box.helper,
                .directory = box.directory,
                .secrets = "/no/such/file",
                .control_group = group,
                .leader = box.leader,
                .leader_fd = box.leader_fd,
        };
        cr_assert_lt(exec_new(box.event, &place, &(ExecSpec){ .command = command }, &container_box_callbacks,
                             &box, &box.exec, &error),
                0);
        cr_expect_not_null(strstr(error_message(error), "cannot watch"), "%s", error_message(error));
        cr_expect_eq(glob(pattern, 0, NULL, &found), GLOB_NOMATCH);
}

Test(exec, a_helper_that_is_not_there_is_said) {
        char program[] = "true", missing[] = "/does/not/exist";
        char *command[] = { program, NULL };
        _cleanup_error_ Error *error = NULL;
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        const ExecPlace place = {
                .helper = missing,
                .directory = box.directory,
                .secrets = "/no/such/file",
                .leader = box.leader,
                .leader_fd = box.leader_fd,
        };
        cr_assert_eq(exec_new(box.event, &place, &(ExecSpec){ .command = command }, &container_box_callbacks,
                             &box, &box.exec, &error),
                -ENOENT, "%s", error_message(error));
}

Test(exec, a_container_that_is_gone_is_said) {
        char name[] = "true";
        char *command[] = { name, NULL };
        _cleanup_container_box_ ContainerBox box;

        container_box_open(&box, 0);
        kill(box.leader, SIGKILL);
        cr_assert_eq(waitpid(box.leader, NULL, 0), box.leader);
        container_box_begin(&box, &(ExecSpec){ .command = command });
        box.leader = 0;
        container_box_wait(&box);
        cr_assert_not(box.has_result);
        cr_assert_str_eq(box.words, "the task does not run any more");
}
