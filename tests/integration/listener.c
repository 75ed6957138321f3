/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The command of a task that does what a test tells it, line by line through the FIFO /local/in:
 * listener [--stay]
 *
 * "exit N" ends it, "eat" takes memory in a process of its own and "be-eaten" in this one; any other line is
 * written to stdout. It writes "ready" at the beginning, and "term" for a SIGTERM, which ends it with code 3
 * unless it is to stay. No shell does this: the read of busybox 1.38 never returns after a signal with a
 * trap.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"

#define LINE_MAX_BYTES 4096

static volatile sig_atomic_t is_terminated;
static sigset_t mask; /* of signals, as the task got it; programs that are started get it, too */

static void on_term(int number _unused_) {
        is_terminated = 1;
}

static void say(const char *text) {
        if (fd_write_all(STDOUT_FILENO, text, strlen(text)) < 0)
                _exit(90);
}

static void eat(void) {
        char tail[] = "tail", zero[] = "/dev/zero";
        char *argv[] = { tail, zero, NULL };
        posix_spawnattr_t attributes;
        pid_t pid;

        (void) posix_spawnattr_init(&attributes);
        (void) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        (void) posix_spawnattr_setsigmask(&attributes, &mask);
        if (posix_spawn(&pid, "/bin/tail", NULL, &attributes, argv, environ) != 0)
                _exit(91);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                continue;
}

static void obey(char *line) {
        const char *code = string_after_prefix(line, "exit");

        if (code)
                _exit(atoi(code));
        if (streq(line, "eat"))
                eat();
        else if (streq(line, "be-eaten")) {
                (void) sigprocmask(SIG_SETMASK, &mask, NULL);
                (void) execl("/bin/tail", "tail", "/dev/zero", NULL);
                _exit(92);
        } else {
                say(line);
                say("\n");
        }
}

/* Obeys the whole lines that are there. Return: how many bytes of an unfinished line are left at the
 * beginning. */
static size_t obey_lines(char *bytes, size_t n) {
        for (char *end; (end = memchr(bytes, '\n', n));) {
                size_t length = (size_t) (end - bytes) + 1;

                *end = 0;
                obey(bytes);
                n -= length;
                memmove(bytes, bytes + length, n);
        }
        return n;
}

int main(int argc, char **argv) {
        const bool stays = argc > 1 && streq(argv[1], "--stay");
        const struct sigaction term = { .sa_handler = on_term };
        sigset_t blocked;
        char bytes[LINE_MAX_BYTES];
        size_t n = 0;

        (void) sigemptyset(&blocked);
        (void) sigaddset(&blocked, SIGTERM);
        int in = open("/local/in", O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (in < 0 || sigprocmask(SIG_BLOCK, &blocked, &mask) < 0 || sigaction(SIGTERM, &term, NULL) < 0)
                return 93;

        say("ready\n");
        for (;;) {
                struct pollfd poll = { .fd = in, .events = POLLIN };

                if (ppoll(&poll, 1, NULL, &mask) < 0 && errno != EINTR)
                        return 94;
                if (is_terminated) {
                        is_terminated = 0;
                        say("term\n");
                        if (!stays)
                                return 3;
                }
                ssize_t got = read(in, bytes + n, sizeof(bytes) - n);
                if (got > 0)
                        n = obey_lines(bytes, n + (size_t) got);
        }
}
