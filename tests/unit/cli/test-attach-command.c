/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attach.h"
#include "base/fd.h"
#include "base/string.h"
#include "box/cli-box.h"
#include "box/fake-systemd.h"
#include "box/own-name.h"
#include "engine/record-file.h"
#include "unit/nspawn.h"
#include "unit/task-dir.h"

/* nspawnctl attach. An integration test covers how it reads the journal. */
TestSuite(attach_command, .timeout = 60);

static int run(CliBox *box) {
        _cleanup_free_ char *text = xasprintf("attach|%s|", box->machine);

        return cli_box_run(box, text);
}

/* ---- a terminal ---- */

/* The task's side of the connection. */
static struct {
        int listener, connection;
        char *directory, *path;
        StringBuffer seen;
        bool stays;
        bool goes_on;
        CliBox *box;
} task = { .listener = -1, .connection = -1 };

static int on_message(
        sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata _unused_) {
        char message[ATTACH_MESSAGE_MAX];
        ssize_t n = recv(fd, message, sizeof(message), MSG_DONTWAIT);

        if (n <= 0)
                return 0;
        string_buffer_append_bytes(&task.seen, message, (size_t) n);
        if (task.stays)
                cr_assert_eq(kill(getpid(), task.seen.text[1] == 't' ? SIGTERM : SIGINT), 0);
        else {
                cr_assert_eq(send(fd, "Ohello", 6, MSG_NOSIGNAL), 6);
                task.connection = fd_close(task.connection);
                if (!task.goes_on)
                        fake_unit_exit(task.box->fake, fake_unit_find(task.box->fake, task.box->unit),
                                CLD_EXITED, 0);
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        }
        return 0;
}

static int on_connect(sd_event_source *source, int fd, uint32_t events _unused_, void *userdata _unused_) {
        task.connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        cr_assert_geq(task.connection, 0);
        return sd_event_add_io(
                sd_event_source_get_event(source), NULL, task.connection, EPOLLIN, on_message, NULL);
}

static void terminal_open(CliBox *box) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        task.box = box;
        task.directory = task_dir_unit_path(NULL, box->machine);
        task.path = xasprintf("%s/" ATTACH_SOCKET, task.directory);
        own_directory_make(NULL, box->machine);
        cr_assert_eq(mkdir(task.directory, 0700), 0);
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", task.path);
        task.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        cr_assert_eq(bind(task.listener, (struct sockaddr *) &address, sizeof(address)), 0);
        cr_assert_eq(listen(task.listener, 1), 0);
        cr_assert_geq(sd_event_add_io(box->event, NULL, task.listener, EPOLLIN, on_connect, NULL), 0);
}

static void terminal_close(void) {
        fd_close(task.listener);
        fd_close(task.connection);
        (void) unlink(task.path);
        (void) rmdir(task.directory);
        free(task.path);
        free(task.directory);
        string_buffer_clear(&task.seen);
}

Test(attach_command, a_terminal_is_shown_until_the_task_ends) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        terminal_open(&box);
        cr_assert_eq(fd_write_all(box.input, "ls\n", 3), 0);
        cr_expect_eq(run(&box), 0);
        cr_expect_str_eq(task.seen.text, "Ils\n");
        cr_expect_str_eq(box.shown, "hello");
        _cleanup_free_ char *expected = xasprintf("nspawnctl: the task \"%s\" ended\n", box.machine);
        cr_expect_str_eq(box.message, expected);
        cli_box_expect_untouched(&box);
        terminal_close();
}

static void expect_left(const char *typed, int status) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        terminal_open(&box);
        task.stays = true;
        cr_assert_eq(fd_write_all(box.input, typed, strlen(typed)), 0);
        cr_expect_eq(run(&box), status);
        cr_expect_str_eq(box.message, "");
        cli_box_expect_untouched(&box);
        terminal_close();
}

Test(attach_command, ctrl_c_leaves_the_task_as_it_is) {
        expect_left("i", 0);
}

Test(attach_command, another_signal_does_too_and_is_told) {
        expect_left("t", 128 + SIGTERM);
}

Test(attach_command, the_end_of_our_input_is_no_end) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        terminal_open(&box);
        cr_assert_eq(fd_write_all(box.input, "x", 1), 0);
        box.input = fd_close(box.input);
        cr_expect_eq(run(&box), 0);
        cr_expect_str_eq(box.shown, "hello");
        terminal_close();
}

Test(attach_command, a_terminal_that_hangs_up_is_no_end_of_the_task) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        terminal_open(&box);
        task.goes_on = true;
        cr_assert_eq(fd_write_all(box.input, "x", 1), 0);
        cr_expect_eq(run(&box), EXIT_OWN_FAILURE);
        cr_expect_str_eq(box.shown, "hello");
        cr_expect_not_null(strstr(box.message, "hung up"), "%s", box.message);
        terminal_close();
}

Test(attach_command, a_terminal_that_nobody_serves_is_said) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        terminal_open(&box);
        task.listener = fd_close(task.listener);
        cr_expect_eq(run(&box), EXIT_OWN_FAILURE);
        cr_expect_not_null(strstr(box.message, "cannot attach to the terminal"), "%s", box.message);
        terminal_close();
}

/* ---- no terminal ---- */

static void expect_elsewhere(const char *id, const char *words) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box)->output = "null";
        const TaskRecord record = { .id = (char *) (uintptr_t) id, .machine = box.machine };
        if (id)
                own_record_leave(NULL, &record);
        cr_expect_eq(run(&box), EXIT_OWN_FAILURE);
        cr_expect_not_null(strstr(box.message, words), "%s", box.message);
        cli_box_expect_untouched(&box);
}

Test(attach_command, output_that_nomad_has_is_not_looked_for_in_the_journal) {
        expect_elsewhere("8eeb9876-1111-2222-3333-444444444444/web/0a1b2c3d",
                ": nomad alloc logs -f 8eeb9876-1111-2222-3333-444444444444 web\n");
}

Test(attach_command, output_of_a_task_in_the_foreground_is_there) {
        expect_elsewhere("web", "goes to the program that started it\n");
        expect_elsewhere(NULL, "goes to the program that started it\n");
}

Test(attach_command, a_task_that_is_not_there_is_said) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cr_expect_eq(run(&box), EXIT_OWN_FAILURE);
        cr_expect_not_null(strstr(box.message, "there is no task"), "%s", box.message);
}
