/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach.h"
#include "pty.h"
#include "setup.h"
#include "signals.h"
#include "terminal.h"

/* How long to wait, after the end of the payload, for a reader that does not read the output. */
#define FINISH_MSEC 5000

/*
 * More than a terminal holds (drivers/tty/pty.c, n_tty.c): bytes beyond that were written after the
 * payload's end.
 */
#define FINISH_BYTES ((size_t) 64 * 1024)

/* The slave is kept open: its last close would end the terminal, which the payload may open again. */
static int master_fd = -1, slave_fd = -1;
static int signals_fd = -1;
static int output_fd = -1;
static bool output_is_socket, output_is_tty;

/* The last output of the terminal, as a message: a letter, and at most PIPE_BUF bytes. */
static char *shown;
static size_t n_shown, n_written;

void terminal_open(int listener) {
        const struct winsize usual = { .ws_row = 24, .ws_col = 80 };
        struct stat st;

        master_fd = pty_open(&slave_fd);
        if (ioctl(master_fd, TIOCSWINSZ, &usual) < 0)
                fail(EXIT_SETUP, "cannot make a terminal: ", strerrordesc_np(errno), NULL);

        signals_fd = signals_open();
        output_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        if (output_fd < 0 || fstat(output_fd, &st) < 0)
                fail(EXIT_SETUP, "cannot look after a terminal: ", strerrordesc_np(errno), NULL);

        output_is_socket = S_ISSOCK(st.st_mode);
        output_is_tty = isatty(output_fd);

        /* Allocated only here, so that an init without a terminal needs no memory for the buffers. */
        shown = mmap(NULL, (size_t) 2 * ATTACH_MESSAGE_MAX, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (shown == MAP_FAILED)
                fail(EXIT_SETUP, "out of memory", NULL);
        attach_open(listener, master_fd, shown + ATTACH_MESSAGE_MAX);
}

void terminal_enter(void) {
        static char usual[] = "TERM=xterm";

        if (setsid() < 0 || ioctl(slave_fd, TIOCSCTTY, 0) < 0)
                fail(EXIT_SETUP, "cannot take the terminal: ", strerrordesc_np(errno), NULL);
        for (int fd = 0; fd < 3; fd++)
                if (dup2(slave_fd, fd) < 0)
                        fail(EXIT_SETUP, "cannot take the terminal: ", strerrordesc_np(errno), NULL);

        /*
         * The task's own TERM is set later. nspawn of systemd 262 sets "dumb", as its console is no
         * terminal.
         */
        const char *term = getenv("TERM");
        if (!term || strcmp(term, "dumb") == 0)
                (void) putenv(usual);
}

/* Reads the next output of the terminal and sends it to the clients. Return: how many bytes. */
static size_t show_next(void) {
        ssize_t n = read(master_fd, shown + 1, ATTACH_MESSAGE_MAX - 1);

        if (n <= 0)
                return 0;

        shown[0] = ATTACH_OUTPUT;
        n_written = 1;
        n_shown = (size_t) n + 1;
        attach_show(shown, n_shown);
        return (size_t) n;
}

/*
 * Return: how many bytes another terminal, which poll() says has room, takes without blocking. The kernel
 * counts its room in steps of 256 bytes (drivers/tty/tty_buffer.c), and writes each control character, which
 * the terminal may expand, by itself (n_tty.c).
 */
static size_t tty_piece(const char *bytes, size_t n) {
        size_t k = 0;

        while (k < n && k < 256 && (unsigned char) bytes[k] >= ' ')
                k++;
        return k > 0 ? k : 1;
}

/*
 * Must be called only when the output has room. Other processes share the flags of the output, so this
 * process does not make it non-blocking.
 */
static void output_write(void) {
        size_t n = n_shown - n_written;
        ssize_t k;

        if (output_is_socket)
                k = send(output_fd, shown + n_written, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        else
                k = write(output_fd, shown + n_written, output_is_tty ? tty_piece(shown + n_written, n) : n);

        if (k > 0)
                n_written += (size_t) k;
        else if (k < 0 && errno != EAGAIN && errno != EINTR)
                n_written = n_shown; /* the output is closed */
}

static int shorter(int a, int b) {
        return a < 0 || (b >= 0 && b < a) ? b : a;
}

/*
 * Waits for an event, at most @msec, and handles it. Reads more from the terminal only when the output and
 * all clients have the last message: a slow reader slows the program down.
 *
 * Return: whether a signal is pending.
 */
static bool terminal_turn(bool finishing, int msec) {
        enum { SIGNALS, MASTER, OUTPUT, N_OWN };
        short wanted = (short) ((n_shown == 0 && !finishing ? POLLIN : 0) |
                (attach_has_input() && !finishing ? POLLOUT : 0));
        struct pollfd fds[N_OWN + ATTACH_POLL_MAX] = {
                [SIGNALS] = { .fd = finishing ? -1 : signals_fd, .events = POLLIN },
                [MASTER] = { .fd = wanted ? master_fd : -1, .events = wanted },
                [OUTPUT] = { .fd = n_written < n_shown ? output_fd : -1, .events = POLLOUT },
        };
        size_t n = attach_poll(fds + N_OWN);

        if (poll(fds, N_OWN + n, shorter(msec, attach_timeout())) < 0)
                return false;

        if (fds[MASTER].revents & POLLOUT)
                attach_feed();
        if (fds[OUTPUT].revents)
                output_write();
        attach_serve(fds + N_OWN, n);
        if (fds[MASTER].revents & POLLIN)
                (void) show_next();
        if (n_written == n_shown && !attach_is_behind())
                n_shown = n_written = 0;
        return fds[SIGNALS].revents;
}

int terminal_wait_signal(bool *ret_from_outside) {
        int sig = 0;

        while (sig == 0)
                if (terminal_turn(false, -1))
                        sig = signals_take(signals_fd, ret_from_outside);
        return sig;
}

void terminal_finish(void) {
        uint64_t now, end = clock_msec() + FINISH_MSEC;
        size_t left = FINISH_BYTES;

        if (master_fd < 0)
                return;

        while ((now = clock_msec()) < end) {
                if (n_shown == 0) {
                        size_t n = left > 0 ? show_next() : 0;

                        if (n == 0)
                                return;
                        left -= n < left ? n : left;
                }
                (void) terminal_turn(true, (int) (end - now));
        }
}
