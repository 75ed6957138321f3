/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The first program in a container: nspawn starts it, it becomes or looks after the task's command.
 *
 * It reads what must not stand in a command line (that is public) from a credential, and it is the one who
 * knows how the command ended: nspawn only hands on an exit code. The process that stays resident has read
 * nothing and allocated nothing; all set-up is done by the process that then becomes the command.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/run-result.h"
#include "become.h"
#include "notify.h"
#include "outlet.h"
#include "parse.h"
#include "setup.h"
#include "terminal.h"

/* Descriptors 0 to 2 always exist afterwards, the journal is a copy of 2, and there is nothing else. */
static void descriptors_init(void) {
        for (int fd = 0; fd < 3; fd++)
                if (fcntl(fd, F_GETFD) < 0)
                        (void) open("/dev/null", O_RDWR);

        descriptors_close_from(3);
        journal_open();
}

static void signals_unblock(void) {
        sigset_t none;

        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * A booted system may be asked to stop before it has a handler for that, and the kernel drops such a signal
 * of process 1. A blocked one waits: systemd blocks it as well before it reads it from a descriptor
 * (manager_setup_signals() of 252 to 257, core/manager.c), and unblocks it in what it starts.
 */
static void stop_hold_back(void) {
        sigset_t stop;

        (void) sigemptyset(&stop);
        (void) sigaddset(&stop, SIGRTMIN + 3);
        (void) sigprocmask(SIG_SETMASK, &stop, NULL);
}

/* How long nspawn may take to read that the command runs; without it the unit counts as never started. */
#define READY_READ_MSEC 5000

/*
 * Tells nspawn, and through it the unit, that the command runs, or that a system to boot can be stopped.
 *
 * Return: the socket, for ready_wait(), or -1.
 */
static int ready_send(void) {
        /* So long that the socket has room for nothing else until it was read; nspawn takes 4096 bytes. */
        char message[2048] = "READY=1\nX_NSPAWN_UNITS=";
        struct sockaddr_un address;
        const int smallest = 1;
        int length = notify_address(&address);

        if (length == 0)
                return -1;
        if (length < 0) {
                say("NOTIFY_SOCKET is too long", NULL);
                return -1;
        }

        memset(message + strlen(message), '.', sizeof(message) - strlen(message));
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof(smallest)) < 0 ||
                sendto(fd, message, sizeof(message), MSG_NOSIGNAL, (struct sockaddr *) &address,
                        (socklen_t) length) < 0)
                say("cannot report that the command runs: ", strerrordesc_np(errno), NULL);
        return fd;
}

/*
 * nspawn may see the end of its first process before it looks at what that one told it, and then drops the
 * message: a short command would be a failed start. So the end waits until the message was read.
 */
static void ready_wait(int fd) {
        struct pollfd room = { .fd = fd, .events = POLLOUT };

        while (fd >= 0 && poll(&room, 1, READY_READ_MSEC) < 0 && errno == EINTR)
                continue;
}

/*
 * Tells the host how the payload ended, since nspawn does not: it turns code 133 into 1 and knows no
 * signals. The payload never has the descriptor; its root can get it, and then tells what it likes of its
 * own end.
 */
static void result_note(const Options *options, int status) {
        uint64_t number = run_result_number(
                exit_code_of_status(status), WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        char line[LEDGER_LINE_MAX];
        size_t n = ledger_line(status, line);

        if (options->result_fd >= 0 && write(options->result_fd, &number, sizeof(number)) < 0)
                say("cannot note how the command ended: ", strerrordesc_np(errno), NULL);
        if (options->ledger_fd >= 0 && write(options->ledger_fd, line, n) != (ssize_t) n)
                say("cannot note how the command ended: ", strerrordesc_np(errno), NULL);
}

/* Reaps whatever ended. Does not come back when the payload was among it. */
static void children_reap(pid_t payload, int ready_fd, const Options *options) {
        int status;

        for (;;) {
                pid_t pid = waitpid(-1, &status, WNOHANG);

                if (pid < 0 && errno == EINTR)
                        continue;
                if (pid <= 0)
                        return;
                if (pid == payload) {
                        result_note(options, status);
                        terminal_finish();
                        outlet_finish();
                        ready_wait(ready_fd);
                        _exit(exit_code_of_status(status));
                }
        }
}

/*
 * The child of the supervisor. It has a process group of its own: a payload that signals its group must not
 * reach PID 1, which would send the signal straight back. A terminal follows it there.
 */
static _Noreturn void payload_run(const Options *options) {
        if (options->terminal)
                terminal_enter();
        (void) setpgid(0, 0);
        if (isatty(STDIN_FILENO))
                (void) tcsetpgrp(STDIN_FILENO, getpid());

        signals_unblock();
        command_exec(options);
}

/* Who sent a signal and has no pid in here is outside (pid_namespaces(7)); the kernel itself has none
 * either. */
static int signal_wait(const sigset_t *signals, bool *ret_from_outside) {
        siginfo_t info = {};
        int sig = sigwaitinfo(signals, &info);

        *ret_from_outside = info.si_code <= 0 && info.si_pid == 0;
        return sig;
}

static _Noreturn void supervise(const Options *options) {
        sigset_t all;
        int fds[2];
        char byte;
        ssize_t n;

        /* For PID 1, what is blocked waits, what is not is dropped. */
        (void) sigfillset(&all);
        (void) sigprocmask(SIG_SETMASK, &all, NULL);

        if (options->terminal)
                terminal_open(options->attach_fd);
        /* The payload's stderr may come as a descriptor, and then is no socket. */
        bool passes_on = !options->terminal && outlet_open(options->error_fd < 0);
        if (pipe2(fds, O_CLOEXEC) < 0)
                fail(EXIT_SETUP, "cannot make a pipe: ", strerrordesc_np(errno), NULL);

        pid_t payload = fork();
        if (payload < 0)
                fail(EXIT_SETUP, "cannot fork: ", strerrordesc_np(errno), NULL);
        if (payload == 0) {
                failure_report_to(fds[1]);
                payload_run(options);
        }

        /* The task's output ends when the task closes it, so the side that it writes to is not kept here. */
        (void) close(fds[1]);
        (void) close(options->error_fd);
        descriptors_nullify();

        /* Closed by execve without a byte: it runs. */
        do
                n = read(fds[0], &byte, 1);
        while (n < 0 && errno == EINTR);
        (void) close(fds[0]);
        int ready_fd = n == 0 ? ready_send() : -1;

        for (;;) {
                bool from_outside = false;
                int sig = options->terminal ? terminal_wait_signal(&from_outside)
                        : passes_on         ? outlet_wait_signal(&from_outside)
                                            : signal_wait(&all, &from_outside);

                if (sig == SIGCHLD)
                        children_reap(payload, ready_fd, options);
                sig = signal_forwarded(sig, from_outside);
                if (sig > 0)
                        (void) kill(payload, sig);
        }
}

static bool mode_parse(const char *text, Mode *ret) {
        static const char *const names[_MODE_MAX] = {
                [MODE_SUPERVISE] = "supervise",
                [MODE_EXEC] = "exec",
                [MODE_BOOT] = "boot",
        };

        for (Mode mode = 0; mode < _MODE_MAX; mode++)
                if (strcmp(text, names[mode]) == 0) {
                        *ret = mode;
                        return true;
                }
        return false;
}

static void options_parse(char **argv, Options *ret) {
        if (!argv[0] || !argv[1] || !mode_parse(argv[1], &ret->mode))
                fail(EXIT_SETUP,
                        "usage: init supervise|exec|boot [--terminal] [--descriptors-on-stdin] [--] "
                        "COMMAND...",
                        NULL);

        for (argv += 2; *argv && **argv == '-'; argv++) {
                if (strcmp(*argv, "--") == 0) {
                        argv++;
                        break;
                }
                if (strcmp(*argv, "--descriptors-on-stdin") == 0)
                        ret->descriptors_on_stdin = true;
                else if (strcmp(*argv, "--terminal") == 0 && ret->mode == MODE_SUPERVISE)
                        ret->terminal = true;
                else
                        fail(EXIT_SETUP, "unknown option \"", *argv, "\"", NULL);
        }

        ret->command = argv;
        if (!*argv && ret->mode != MODE_BOOT)
                fail(EXIT_SETUP, "there is no command to run", NULL);
}

int main(int argc, char **argv) {
        Options options = { .error_fd = -1, .result_fd = -1, .ledger_fd = -1, .attach_fd = -1 };

        (void) argc;
        descriptors_init();
        signals_reset();
        options_parse(argv, &options);
        if (options.descriptors_on_stdin)
                descriptors_receive(&options);

        if (options.mode == MODE_SUPERVISE)
                supervise(&options);

        if (options.mode == MODE_BOOT) {
                stop_hold_back();
                (void) ready_send();
        } else
                signals_unblock();
        command_exec(&options);
}
