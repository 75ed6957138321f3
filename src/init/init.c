/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The first program in a container: nspawn starts it, and it becomes or supervises the task's command.
 *
 * It reads the secrets from a credential, since a command line is public. Only it knows how the command
 * ended: nspawn just passes on an exit code. The supervisor, which stays as process 1, reads no files and
 * allocates no memory for the set-up: the process that becomes the command does all that.
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

/* Makes sure that only descriptors 0 to 2, and a copy of 2 for messages to the journal, are open. */
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
 * Blocks the signal that stops a booted system. It may come before the image's systemd has a handler for it,
 * and the kernel drops an unblocked signal without a handler for process 1. A blocked one waits: systemd,
 * too, blocks it before it reads it from a signalfd (manager_setup_signals() of 252 to 257, core/manager.c),
 * and unblocks it in the processes that it starts.
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
        /* So long that the socket has no room for another message until nspawn has read this one, as
         * ready_wait() needs; nspawn accepts 4096 bytes. */
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
 * Waits until nspawn has read the message of ready_send(). If this process ended earlier, nspawn might see
 * its end first and drop the message: then the start of a short command would count as failed.
 */
static void ready_wait(int fd) {
        struct pollfd room = { .fd = fd, .events = POLLOUT };

        while (fd >= 0 && poll(&room, 1, READY_READ_MSEC) < 0 && errno == EINTR)
                continue;
}

/*
 * Tells the host how the payload ended, since nspawn does not: it turns code 133 into 1 and knows no
 * signals. The payload does not inherit the descriptor. The container's root can still get at it, but can
 * only lie about the end of its own run.
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

/* Reaps all ended children. Exits if the payload is one of them. */
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
 * Runs in the child of the supervisor. The payload has a process group of its own, which becomes the
 * terminal's foreground group: if PID 1 were in that group, it would pass a signal that the payload sends to
 * its group back to the payload.
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

/* A process outside of the container has no pid in here, so its signals come from pid 0 (pid_namespaces(7)).
 * So do the kernel's own, which have another si_code. */
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

        /* The kernel queues blocked signals, but drops others for PID 1, which has no handlers. */
        (void) sigfillset(&all);
        (void) sigprocmask(SIG_SETMASK, &all, NULL);

        if (options->terminal)
                terminal_open(options->attach_fd);
        /* If the payload's stderr comes as a descriptor, it is no socket. */
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

        /*
         * Keep no copy of the payload's output here: its reader must see the end when the payload closes it.
         */
        (void) close(fds[1]);
        (void) close(options->error_fd);
        descriptors_nullify();

        /* If execve() closes the pipe without a byte written, the command runs. */
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
