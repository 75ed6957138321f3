/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli/terminal.h"

TestSuite(terminal, .timeout = 30);

static int master, slave;
static struct termios before;

static void open_terminal(void) {
        struct winsize size = { .ws_row = 33, .ws_col = 111 };

        cr_assert_eq(openpty(&master, &slave, NULL, NULL, &size), 0);
        cr_assert_eq(tcgetattr(slave, &before), 0);
        cr_assert_neq(before.c_lflag & ICANON, 0);
}

static bool is_raw(void) {
        struct termios now;

        cr_assert_eq(tcgetattr(slave, &now), 0);
        return (now.c_lflag & (ICANON | ISIG | ECHO)) == 0;
}

static void expect_as_before(void) {
        struct termios now;

        cr_assert_eq(tcgetattr(slave, &now), 0);
        cr_expect_eq(now.c_iflag, before.c_iflag);
        cr_expect_eq(now.c_oflag, before.c_oflag);
        cr_expect_eq(now.c_cflag, before.c_cflag);
        cr_expect_eq(now.c_lflag, before.c_lflag);
        cr_expect_arr_eq(now.c_cc, before.c_cc, sizeof(now.c_cc));
}

Test(terminal, what_is_typed_comes_at_once_and_as_it_is) {
        char bytes[4];

        open_terminal();
        cr_assert_eq(terminal_make_raw(slave), 0);
        cr_assert(is_raw());
        cr_assert_eq(write(master, "\x03\r\x1d", 3), 3);
        cr_assert_eq(read(slave, bytes, sizeof(bytes)), 3);
        cr_expect_arr_eq(bytes, "\x03\r\x1d", 3);
        terminal_restore();
        expect_as_before();
}

Test(terminal, is_restored_once_and_not_without_need) {
        open_terminal();
        terminal_restore();
        expect_as_before();
        cr_assert_eq(terminal_make_raw(slave), 0);
        terminal_restore();

        /* A second terminal_restore() keeps later changes of other programs. */
        struct termios changed = before;
        changed.c_lflag &= ~(tcflag_t) ECHO;
        cr_assert_eq(tcsetattr(slave, TCSANOW, &changed), 0);
        before = changed;
        terminal_restore();
        expect_as_before();
}

Test(terminal, is_raw_again_after_a_shell_had_it) {
        open_terminal();
        cr_assert_eq(terminal_make_raw(slave), 0);
        cr_assert_eq(tcsetattr(slave, TCSANOW, &before), 0);
        terminal_renew();
        cr_expect(is_raw());
        terminal_restore();
        expect_as_before();
        terminal_renew();
        expect_as_before();
}

Test(terminal, what_is_none_is_told) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        cr_expect_eq(terminal_make_raw(null), -ENOTTY);
        cr_expect_eq(terminal_make_raw(-1), -EBADF);
        terminal_restore();
        close(null);
}

static void end_by(int signal, void (*set_up)(void)) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                if (set_up)
                        set_up();
                if (terminal_make_raw(slave) < 0 || !is_raw())
                        _exit(1);
                (void) raise(signal);
                _exit(2);
        }
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == signal, "signal %d: status %x", signal,
                (unsigned) status);
}

static void forget_handlers(void) {
        /* Criterion has handlers of its own. */
        for (int i = 1; i < NSIG; i++)
                (void) signal(i, SIG_DFL);
}

Test(terminal, is_restored_when_a_signal_ends_the_program) {
        static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGQUIT, SIGUSR1, SIGALRM };

        open_terminal();
        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                end_by(signals[i], forget_handlers);
                expect_as_before();
        }
}

/* Makes this process the leader of the terminal's session. A child in another process group is then in the
 * background, where a change of the terminal would stop it. */
static void go_to_the_background(void) {
        forget_handlers();
        (void) setsid();
        if (ioctl(slave, TIOCSCTTY, 0) < 0)
                _exit(3);
}

static void end_in_the_background(void) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                go_to_the_background();
                if (terminal_make_raw(slave) < 0)
                        _exit(1);
                pid_t child = fork();
                if (child == 0) {
                        (void) setpgid(0, 0);
                        (void) raise(SIGABRT);
                        _exit(2);
                }
                /* WUNTRACED reports a stop as well. */
                if (waitpid(child, &status, WUNTRACED) != child || !WIFSIGNALED(status))
                        _exit(4);
                _exit(0);
        }
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_assert(WIFEXITED(status));
        cr_assert_eq(WEXITSTATUS(status), 0, "%d", WEXITSTATUS(status));
}

Test(terminal, is_restored_from_the_background_too) {
        open_terminal();
        end_in_the_background();
        expect_as_before();
}

Test(terminal, has_the_size_of_the_first_that_is_one) {
        uint16_t rows, columns;
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        open_terminal();
        for (int fd = 0; fd < 3; fd++)
                cr_assert_eq(dup2(null, fd), fd);
        cr_expect_not(terminal_size(&rows, &columns));
        for (int fd = 2; fd >= 0; fd--) {
                cr_assert_eq(dup2(slave, fd), fd);
                cr_assert(terminal_size(&rows, &columns));
                cr_expect_eq(rows, 33);
                cr_expect_eq(columns, 111);
                cr_assert_eq(dup2(null, fd), fd);
        }

        /* A serial line has no size. */
        cr_assert_eq(ioctl(slave, TIOCSWINSZ, &(struct winsize){}), 0);
        cr_assert_eq(dup2(slave, 0), 0);
        cr_expect_not(terminal_size(&rows, &columns));
}
