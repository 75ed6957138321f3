/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach.h"
#include "base/stream-mode.h"
#include "become.h"
#include "outlet.h"
#include "signals.h"
#include "words.h"

/* How long to wait, after the end of the payload, for a reader that does not read the output. */
#define FINISH_MSEC 5000

#define N_WAYS 2

/* From a pipe of the payload to a socket. A supervisor without pipes never touches this memory. */
typedef struct Way {
        int pipe_fd;   /* read end of the pipe; -1 when the way is closed or never existed */
        int socket_fd; /* where the bytes go */
        size_t n_read, n_written;
        char bytes[4096];
} Way;

static Way ways[N_WAYS];
static int signals_fd = -1;

static void way_open(Way *way, int fd) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0 || fchmod(fds[1], STREAM_MODE) < 0 ||
                fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
                fail(EXIT_SETUP, "cannot make a pipe: ", strerrordesc_np(errno), NULL);
        way->pipe_fd = fds[0];
        way->socket_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (way->socket_fd < 0 || dup2(fds[1], fd) < 0)
                fail(EXIT_SETUP, "cannot put a pipe in place: ", strerrordesc_np(errno), NULL);
        (void) close(fds[1]);
}

static bool is_socket(int fd, struct stat *ret) {
        return fstat(fd, ret) >= 0 && S_ISSOCK(ret->st_mode);
}

bool outlet_open(bool error) {
        struct stat out, err;
        bool has_out = is_socket(STDOUT_FILENO, &out), has_err = error && is_socket(STDERR_FILENO, &err);

        for (size_t i = 0; i < N_WAYS; i++)
                ways[i].pipe_fd = ways[i].socket_fd = -1;
        if (has_out)
                way_open(&ways[0], STDOUT_FILENO);
        if (has_err && has_out && out.st_ino == err.st_ino) {
                if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
                        fail(EXIT_SETUP, "cannot put a pipe in place: ", strerrordesc_np(errno), NULL);
        } else if (has_err)
                way_open(&ways[1], STDERR_FILENO);
        if (has_out || has_err)
                signals_fd = signals_open();
        return has_out || has_err;
}

static bool way_is_empty(const Way *way) {
        return way->n_written == way->n_read;
}

/* Closes both ends. So further writes of the payload fail, as they would with the socket itself. */
static void way_close(Way *way) {
        (void) close(way->pipe_fd);
        (void) close(way->socket_fd);
        way->pipe_fd = way->socket_fd = -1;
        way->n_read = way->n_written = 0;
}

/* Reads from the pipe. Return: whether there were bytes. */
static bool way_read(Way *way) {
        ssize_t n = read(way->pipe_fd, way->bytes, sizeof(way->bytes));

        way->n_written = 0;
        way->n_read = n > 0 ? (size_t) n : 0;
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                way_close(way);
        return n > 0;
}

static void way_write(Way *way) {
        ssize_t n = send(way->socket_fd, way->bytes + way->n_written, way->n_read - way->n_written,
                MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n > 0)
                way->n_written += (size_t) n;
        else if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
                way_close(way);
        else if (errno != EAGAIN && errno != EINTR)
                way->n_written = way->n_read; /* there is no memory for it now */
}

/* Waits for an event, at most @msec, and handles it. Return: whether a signal is pending. */
static bool outlet_turn(bool finishing, int msec) {
        struct pollfd fds[1 + N_WAYS] = { { .fd = finishing ? -1 : signals_fd, .events = POLLIN } };

        for (size_t i = 0; i < N_WAYS; i++)
                fds[1 + i] = way_is_empty(&ways[i])
                        ? (struct pollfd){ .fd = finishing ? -1 : ways[i].pipe_fd, .events = POLLIN }
                        : (struct pollfd){ .fd = ways[i].socket_fd, .events = POLLOUT };
        if (poll(fds, 1 + N_WAYS, msec) < 0)
                return false;

        for (size_t i = 0; i < N_WAYS; i++)
                if (fds[1 + i].revents) {
                        if (!way_is_empty(&ways[i]) || way_read(&ways[i]))
                                way_write(&ways[i]);
                }
        return fds[0].revents;
}

int outlet_wait_signal(bool *ret_from_outside) {
        int sig = 0;

        while (sig == 0)
                if (outlet_turn(false, -1))
                        sig = signals_take(signals_fd, ret_from_outside);
        return sig;
}

/* Passes on what the payload has left in the pipe, but nothing that another process writes after it. */
static void way_finish(Way *way, uint64_t end) {
        uint64_t now;
        int n = 0;

        if (way->pipe_fd < 0 || ioctl(way->pipe_fd, FIONREAD, &n) < 0)
                return;
        size_t left = (size_t) n;
        while (way->pipe_fd >= 0 && (now = clock_msec()) < end) {
                if (way_is_empty(way)) {
                        if (left == 0 || !way_read(way))
                                return;
                        left -= way->n_read < left ? way->n_read : left;
                }
                way_write(way);
                if (way->pipe_fd >= 0 && !way_is_empty(way))
                        (void) outlet_turn(true, (int) (end - now));
        }
}

void outlet_finish(void) {
        uint64_t end = clock_msec() + FINISH_MSEC;

        if (signals_fd < 0)
                return;
        for (size_t i = 0; i < N_WAYS; i++)
                way_finish(&ways[i], end);
}
