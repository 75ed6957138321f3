/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/program.h"
#include "base/string.h"
#include "box/own-name.h"
#include "box/tree.h"
#include "unit/fd-message.h"
#include "unit/task-dir.h"

/* nspawn-units-helper as systemd runs it, with the descriptors that systemd keeps over restarts. */
TestSuite(helper, .timeout = 30);

static char *helper_path(void) {
        const char *init = getenv("TEST_INIT");
        _cleanup_free_ char *directory = xstrdup(init ? init : "build/release/nspawn-units-init");

        *strrchr(directory, '/') = 0;
        return xasprintf("%s/nspawn-units-helper", directory);
}

/* @stored: descriptor 3 of the helper, or -1. Return: its exit status. */
static int helper_run(int in, int out, int stored, const char *variable, const char *const *argv) {
        _cleanup_free_ char *path = helper_path();
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                /* systemd runs it with no signal ignored; a shell ignores SIGINT for what runs beside it. */
                for (int number = 1; number <= SIGRTMAX; number++)
                        (void) signal(number, SIG_DFL);
                if (variable)
                        (void) putenv((char *) (uintptr_t) variable);
                if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
                        _exit(90);
                if (stored >= 0 && stored != 3 && dup2(stored, 3) < 0)
                        _exit(91);
                (void) execv(path, (char **) (uintptr_t) argv);
                _exit(92);
        }
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_assert(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static char *file_text(int fd) {
        char *text = xcalloc(4096, 1);

        cr_assert_geq(pread(fd, text, 4095, 0), 0);
        return text;
}

/* ---- the beginning of a run ---- */

/* A task's directory, which is removed with its files. */
typedef char Directory[sizeof("/tmp/helper-XXXXXX")];

static void directory_remove(Directory *directory) {
        tree_remove(*directory);
}
#define _cleanup_directory_ _cleanup_(directory_remove)

static void directory_write(const char *directory, const char *name, const void *bytes, size_t n) {
        _cleanup_free_ char *path = xasprintf("%s/%s", directory, name);

        cr_assert_eq(file_write_private(path, bytes, n), 0);
}

/* Return: the exit status of the command in the file "arguments", or of the helper if it cannot run it. */
static int start_run(const char *directory, int out, int stored) {
        const char *const argv[] = { "helper", "start", directory, NULL };
        _cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        return helper_run(null, out, stored, stored >= 0 ? "LISTEN_FDS=1" : NULL, argv);
}

#define WORDS(directory, words) directory_write(directory, "arguments", words, sizeof(words))

Test(helper, the_first_run_has_its_descriptors_already) {
        _cleanup_directory_ Directory directory = "/tmp/helper-XXXXXX";
        _cleanup_fd_ int out = memfd_create("out", MFD_CLOEXEC);

        cr_assert_not_null(mkdtemp(directory));
        WORDS(directory, "/bin/sh\0-c\0echo run; exit 5");
        cr_assert_eq(start_run(directory, out, -1), 5);
        _cleanup_free_ char *text = file_text(out);
        cr_assert_str_eq(text, "run\n");
}

/* nspawn handles only SIGCHLD, SIGTERM and SIGINT itself. */
Test(helper, what_nspawn_has_no_use_for_is_ignored) {
        static const int wanted[] = { SIGCHLD, SIGTERM, SIGINT, SIGKILL, SIGSTOP };
        _cleanup_directory_ Directory directory = "/tmp/helper-XXXXXX";
        _cleanup_fd_ int out = memfd_create("out", MFD_CLOEXEC);
        const unsigned long long internal = 3ULL << 31; /* of the C library: signals 32 and 33 */
        unsigned long long ignored = ~internal;

        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                ignored &= ~(1ULL << (wanted[i] - 1));
        cr_assert_not_null(mkdtemp(directory));
        WORDS(directory, "/bin/sed\0-n\0s/^SigIgn:\t//p\0/proc/self/status");
        cr_assert_eq(start_run(directory, out, -1), 0);
        _cleanup_free_ char *text = file_text(out);
        cr_assert_eq(strtoull(text, NULL, 16) & ~internal, ignored, "%s", text);
}

Test(helper, every_word_of_a_command_line_arrives_as_it_is) {
        static const char words[] = "/usr/bin/printf\0[%s]\0%n\0$HOME $$ ${X}\0\0 a  b\0'\"\\x41\\\0"
                                    "two\nlines\t\0\xc3\xa9\0\xff\xfe\0--\0;";
        static const char wanted[] = "[%n][$HOME $$ ${X}][][ a  b]['\"\\x41\\][two\nlines\t][\xc3\xa9]"
                                     "[\xff\xfe][--][;]";
        _cleanup_directory_ Directory directory = "/tmp/helper-XXXXXX";
        _cleanup_fd_ int out = memfd_create("out", MFD_CLOEXEC);

        cr_assert_not_null(mkdtemp(directory));
        WORDS(directory, words);
        cr_assert_eq(start_run(directory, out, -1), 0);
        _cleanup_free_ char *text = file_text(out);
        cr_assert_str_eq(text, wanted);
}

Test(helper, two_thousand_words_of_a_kibibyte_arrive) {
        _cleanup_directory_ Directory directory = "/tmp/helper-XXXXXX";
        _cleanup_string_buffer_ StringBuffer words = {};
        _cleanup_fd_ int out = memfd_create("out", MFD_CLOEXEC);
        char word[1024];

        memset(word, 'a', sizeof(word) - 1);
        word[sizeof(word) - 1] = 0;
        cr_assert_not_null(mkdtemp(directory));
        string_buffer_append_bytes(&words, "/bin/sh\0-c\0echo $#\0sh", sizeof("/bin/sh\0-c\0echo $#\0sh"));
        for (int i = 0; i < 2000; i++)
                string_buffer_append_bytes(&words, word, sizeof(word));
        directory_write(directory, "arguments", words.text, words.length);
        cr_assert_eq(start_run(directory, out, -1), 0);
        _cleanup_free_ char *text = file_text(out);
        cr_assert_str_eq(text, "2000\n");
}

Test(helper, a_later_run_finds_them_in_the_store_and_passes_nothing_else_on) {
        _cleanup_directory_ Directory directory = "/tmp/helper-XXXXXX";
        _cleanup_fd_ int out = memfd_create("out", MFD_CLOEXEC), lost = memfd_create("lost", MFD_CLOEXEC);

        cr_assert_not_null(mkdtemp(directory));
        WORDS(directory,
                "/bin/sh\0-c\0echo \"run[$LISTEN_FDS$LISTEN_PID$LISTEN_FDNAMES]\"; "
                "[ -S /dev/stdin ] && [ ! -e /proc/self/fd/3 ]");
        for (int i = 0; i < 2; i++) {
                _cleanup_fd_ int fd_message = fd_message_new(out, -1, -1, -1);

                cr_assert_eq(start_run(directory, lost, fd_message), 0);
        }
        _cleanup_free_ char *text = file_text(out), *nothing = file_text(lost);
        cr_assert_str_eq(text, "run[]\nrun[]\n");
        cr_assert_str_eq(nothing, "");
}

Test(helper, without_its_descriptors_or_its_command_line_it_does_not_start) {
        _cleanup_directory_ Directory directory = "/tmp/helper-XXXXXX";
        _cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        cr_assert_not_null(mkdtemp(directory));
        cr_expect_eq(start_run(directory, null, -1), 1, "no file");
        directory_write(directory, "arguments", "", 0);
        cr_expect_eq(start_run(directory, null, -1), 1, "an empty file");
        directory_write(directory, "arguments", "/bin/true", strlen("/bin/true"));
        cr_expect_eq(start_run(directory, null, -1), 1, "half a word");
        WORDS(directory, "/no/such/program");
        cr_expect_eq(start_run(directory, null, -1), 1, "no program");
        WORDS(directory, "/bin/true");
        cr_expect_eq(start_run(directory, null, null), 1, "no message");
        cr_expect_eq(start_run(directory, null, -1), 0);
}

Test(helper, no_run_begins_once_the_task_is_being_stopped) {
        _cleanup_directory_ Directory directory = "/tmp/helper-XXXXXX";
        const char *const argv[] = { "helper", "may-start", directory, NULL };
        _cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        cr_assert_not_null(mkdtemp(directory));
        cr_expect_eq(helper_run(null, null, -1, NULL, argv), 0);
        directory_write(directory, "stopping", "", 0);
        cr_expect_eq(helper_run(null, null, -1, NULL, argv), 1);
}

Test(helper, wrong_usage_is_an_error) {
        static const char *const rows[][4] = { { "helper" }, { "helper", "nonsense" }, { "helper", "start" },
                { "helper", "may-start" }, { "helper", "start", "a", "b" }, { "helper", "ended" },
                { "helper", "ended", "--keep" } };
        _cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                cr_expect_eq(helper_run(null, null, -1, NULL, rows[i]), 1, "row %zu", i);
}

/* ---- the end of a run ---- */

/* Return: the text that came to the socket, "" for none; its descriptor in @ret_fd. */
static char *receive(int socket, int *ret_fd) {
        char *text = xcalloc(4096, 1);
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec data = { .iov_base = text, .iov_len = 4095 };
        struct msghdr message = {
                .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };

        *ret_fd = -1;
        if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
                return text;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header && header->cmsg_type == SCM_RIGHTS)
                memcpy(ret_fd, CMSG_DATA(header), sizeof(int));
        return text;
}

Test(helper, the_end_of_a_run_puts_the_socket_into_the_store_if_there_is_one) {
        static const char *const keep[] = { "helper", "ended", "--keep", "/no/such/task", NULL };
        static const char *const leave[] = { "helper", "ended", "/no/such/task", NULL };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_fd_ int notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        _cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC),
                         out = memfd_create("out", MFD_CLOEXEC);
        _cleanup_fd_ int fd_message = fd_message_new(out, -1, -1, -1);

        (void) snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "helper-test-%d", getpid());
        socklen_t length = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 +
                strlen(address.sun_path + 1));
        cr_assert_eq(bind(notify, (struct sockaddr *) &address, length), 0);
        _cleanup_free_ char *variable = xasprintf("NOTIFY_SOCKET=@%s", address.sun_path + 1);

        const struct {
                int in;
                const char *const *argv;
                bool kept;
        } rows[] = { { fd_message, keep, true }, { null, keep, false }, { fd_message, leave, false } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct stat a, b;

                cr_assert_eq(helper_run(rows[i].in, null, -1, variable, rows[i].argv), 0);
                _cleanup_fd_ int got = -1;
                _cleanup_free_ char *text = receive(notify, &got);
                cr_expect_eq(strstr(text, "FDSTORE=1\n") != NULL, rows[i].kept, "row %zu: %s", i, text);
                cr_expect_eq(got >= 0, rows[i].kept, "row %zu", i);
                if (rows[i].kept) {
                        cr_assert_eq(fstat(got, &a), 0);
                        cr_assert_eq(fstat(fd_message, &b), 0);
                        cr_expect_eq(a.st_ino, b.st_ino);
                }
        }
}

/* The engine may read the end of a run only after the end of the next. */
Test(helper, notes_tell_of_the_last_run_and_the_one_before) {
        _cleanup_directory_ Directory directory = "/tmp/helper-XXXXXX";
        _cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        static const char *const variables[] = { "INVOCATION_ID=one", "INVOCATION_ID=two",
                "INVOCATION_ID=three" };

        cr_assert_not_null(mkdtemp(directory));
        const char *const argv[] = { "helper", "ended", directory, NULL };
        directory_write(directory, "record", "", 0);
        for (size_t i = 0; i < ELEMENTSOF(variables); i++)
                cr_assert_eq(helper_run(null, null, -1, variables[i], argv), 0);

        _cleanup_free_ char *path = xasprintf("%s/notes", directory), *text = NULL;
        cr_assert_gt(file_read(AT_FDCWD, path, 4096, &text), 0);
        const char *before = strstr(text, "before unit "), *last = strstr(text, "\nunit ");
        cr_assert(before == text && last, "%s", text);
        const char *two = strstr(text, " invocation=two "), *three = strstr(text, " invocation=three ");
        cr_assert(two && two < last && three && three > last, "%s", text);
        cr_assert_null(strstr(text, "one"), "%s", text);
}

/* ---- a killed container's name ---- */

/* Makes a program in place of busctl, which the helper finds through PATH. */
static void make_busctl(const char *directory) {
        _cleanup_free_ char *path = xasprintf("%s/busctl", directory);
        FILE *f = fopen(path, "we");

        cr_assert_not_null(f);
        (void) fputs("#!/bin/sh\necho \"$@\"\n", f);
        cr_assert_eq(fclose(f), 0);
        cr_assert_eq(chmod(path, 0700), 0);
        cr_assert_eq(setenv("PATH", directory, true), 0);
}

#define MACHINES "/run/systemd/machines"

/* Makes the file that systemd-machined has of a container. Return: its path, owned by the caller. */
static char *register_machine(const char *machine) {
        char *path = xasprintf(MACHINES "/%s", machine);

        (void) mkdir("/run/systemd", 0755);
        (void) mkdir(MACHINES, 0755);
        cr_assert_eq(file_write_private(path, "NAME=x\n", 7), 0);
        return path;
}

Test(helper, the_name_of_a_killed_container_is_given_back_where_it_is_wanted_again) {
        static const struct {
                const char *code;
                const char *flags[3];
                bool registered, called;
        } rows[] = {
                { "EXIT_CODE=killed", { "--unregister" }, true, true },
                { "EXIT_CODE=dumped", { "--keep", "--unregister" }, true, true },
                { "EXIT_CODE=exited", { "--unregister" }, true, false },
                { NULL, { "--unregister" }, true, false },
                { "EXIT_CODE=killed", {}, true, false },
                /* The name was released already. */
                { "EXIT_CODE=killed", { "--unregister" }, false, false },
        };
        char directory[] = "/tmp/helper-XXXXXX";
        _cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (geteuid() != 0)
                cr_skip_test("writes below /run: needs root");
        _cleanup_own_name_ char *machine = own_name_new();
        _cleanup_free_ char *task = xasprintf("/no/such/%s", machine);
        _cleanup_free_ char *call = xasprintf(
                "--system --quiet --auto-start=no --timeout=5 call org.freedesktop.machine1 "
                "/org/freedesktop/machine1 org.freedesktop.machine1.Manager UnregisterMachine s %s\n",
                machine);
        cr_assert_not_null(mkdtemp(directory));
        make_busctl(directory);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_fd_ int out = memfd_create("out", MFD_CLOEXEC);
                const char *argv[6] = { "helper", "ended" };
                size_t n = 2;

                for (const char *const *flag = rows[i].flags; *flag; flag++)
                        argv[n++] = *flag;
                argv[n] = task;
                _cleanup_free_ char *file = register_machine(machine);
                if (!rows[i].registered)
                        cr_assert_eq(unlink(file), 0);
                cr_expect_eq(helper_run(null, out, -1, rows[i].code, argv), 0, "row %zu", i);
                _cleanup_free_ char *text = file_text(out);
                cr_expect_str_eq(text, rows[i].called ? call : "", "row %zu: %s", i, text);
                /* The next run may start systemd-machined, which must not find the old container's file. */
                cr_expect_eq(unlink(file) == 0, rows[i].registered && !rows[i].called, "row %zu", i);
        }
        tree_remove(directory);
}

/* ---- what nspawn leaves in the task's directory ---- */

Test(helper, mounts_that_nspawn_leaves_in_the_tasks_directory_are_gone_before_the_next_run) {
        _cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        char root[] = "/tmp/helper-XXXXXX";

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                cr_skip_test("no mounts here");
        cr_assert_not_null(mkdtemp(root));
        cr_assert_eq(task_dir_create(root, "web"), 0);

        /* A task, and one of version 0.1.0. */
        const struct {
                char *argument, *directory;
        } rows[] = {
                { task_dir_path(root, "web"), task_dir_unit_path(root, "web") },
                { task_dir_old_ledger(root, "old"), xasprintf("%s/old", root) },
        };
        cr_assert_eq(mkdir(rows[1].directory, 0700), 0);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *const argv[] = { "helper", "ended", rows[i].argument, NULL };
                _cleanup_free_ char *secrets = xasprintf("%s/secrets", rows[i].directory),
                                    *inner = xasprintf("%s/inner", rows[i].directory),
                                    *mounted = xasprintf("%s/unix-export", inner);

                cr_assert(mkdir(inner, 0755) == 0 && mkdir(mounted, 0755) == 0);
                cr_assert_eq(file_write_private(secrets, "x", 1), 0);
                cr_assert_eq(mount("tmpfs", mounted, "tmpfs", 0, NULL), 0);
                cr_expect_eq(helper_run(null, null, -1, "EXIT_CODE=killed", argv), 0);
                cr_expect(access(secrets, F_OK) == 0 && access(inner, F_OK) < 0, "row %zu", i);
                free(rows[i].argument);
                free(rows[i].directory);
        }
        tree_remove(root);
}

Test(helper, no_argument_leads_it_to_another_directory) {
        static const char *const arguments[] = { "/run/nspawn-units/tasks/..", "/run/nspawn-units/tasks/.",
                "/run/nspawn-units/tasks/", "/run/nspawn-units/.ledgers/..", ".ledgers" };
        _cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        /* Mounts of the test protect the host in case that it fails. */
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0)
                cr_skip_test("no mounts here");
        cr_assert_eq(task_dir_create(NULL, "web-1"), 0);
        cr_assert_eq(mkdir(RUNTIME_DIRECTORY "/unit", 0700), 0);
        for (size_t i = 0; i < ELEMENTSOF(arguments); i++) {
                const char *const argv[] = { "helper", "ended", arguments[i], NULL };

                (void) helper_run(null, null, -1, "EXIT_CODE=killed", argv);
                cr_expect(access(RUNTIME_DIRECTORY "/unit", F_OK) == 0, "%s", arguments[i]);
                cr_expect(access(RUNTIME_DIRECTORY "/tasks/web-1/unit", F_OK) == 0, "%s", arguments[i]);
        }
}
