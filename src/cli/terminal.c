/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/terminal.h"

/* Static, because signal handlers get no argument. */
static struct {
        volatile sig_atomic_t raw;
        int fd;
        struct termios before;
} terminal;

/* Signals that end a program by default, without those that a Session handles (app_on_stop_signals()). */
static const int fatal[] = { SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS, SIGUSR1,
        SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ };

/* Works in the background too, where the kernel would stop the program with SIGTTOU (tcsetattr(3p)). */
static void terminal_set(const struct termios *attributes) {
        sigset_t mask, before;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGTTOU);
        (void) sigprocmask(SIG_BLOCK, &mask, &before);
        (void) tcsetattr(terminal.fd, TCSANOW, attributes);
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
}

/* SA_RESETHAND has removed this handler: the signal that is raised again ends the program. */
static void on_fatal(int signal) {
        terminal_restore();
        (void) raise(signal);
}

static void catch_fatal(void) {
        struct sigaction before, action = { .sa_handler = on_fatal, .sa_flags = (int) SA_RESETHAND };

        for (size_t i = 0; i < ELEMENTSOF(fatal); i++)
                if (sigaction(fatal[i], NULL, &before) >= 0 && before.sa_handler == SIG_DFL)
                        (void) sigaction(fatal[i], &action, NULL);
}

static int apply_raw(void) {
        struct termios attributes = terminal.before;

        cfmakeraw(&attributes);
        return tcsetattr(terminal.fd, TCSANOW, &attributes) < 0 ? -errno : 0;
}

int terminal_make_raw(int fd) {
        int r;

        if (tcgetattr(fd, &terminal.before) < 0)
                return -errno;

        terminal.fd = fd;
        catch_fatal();
        terminal.raw = true;
        r = apply_raw();
        if (r < 0)
                terminal.raw = false;
        return r;
}

void terminal_restore(void) {
        if (!terminal.raw)
                return;
        terminal.raw = false;
        terminal_set(&terminal.before);
}

void terminal_renew(void) {
        if (terminal.raw)
                (void) apply_raw();
}

bool terminal_size(uint16_t *ret_rows, uint16_t *ret_columns) {
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
                struct winsize size;

                if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
                        continue;
                *ret_rows = size.ws_row;
                *ret_columns = size.ws_col;
                return true;
        }
        return false;
}
