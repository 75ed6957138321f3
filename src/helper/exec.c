/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs a command in a container that runs already.
 *
 * Processes of the container can see the command from its first moment on, and may be hostile. So the helper
 * opens, uses and closes everything of the host before it makes a process that they can see, and that
 * process has no more rights than they have. The command is a child of the helper's parent (CLONE_PARENT),
 * so that the helper need not stay.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secrets-file.h"
#include "filter.h"
#include "helper.h"
#include "init/become.h"
#include "init/fd-message.h"
#include "init/pty.h"
#include "init/words.h"
#include "leader.h"

/* Number of the socket to the caller, once this process has closed all other descriptors of the host. */
#define CONTROL_FD 3

/* Where the systemd in a container listens for root (core/dbus.c, bus_init_private()). */
#define MANAGER_SOCKET "/run/systemd/private"

/* How long connecting to MANAGER_SOCKET may take. */
#define MANAGER_LIMIT_MSEC 5000

#define REQUEST_MAX (8 * 1024 * 1024)

typedef struct Request {
        Span text;
        char **argv; /* NULL-terminated; empty for the login shell */
        const char *directory;
        bool terminal;
        bool manager;
} Request;

/* Descriptors of the command; with a terminal all three are the same. */
typedef struct Streams {
        int fds[3];
        int master; /* of the terminal, or -1 */
} Streams;

static Request request_read(Span text) {
        const char *cursor = text.text;
        Request request = { .text = text };
        SecretsRecord record;
        size_t n = 0, n_arguments = 0;

        while (task_next(&cursor, text, &record))
                n += record.letter == TASK_ARGUMENT;

        request.argv = allocate((n + 1) * sizeof(char *));
        cursor = text.text;
        while (task_next(&cursor, text, &record)) {
                if (record.letter == TASK_ARGUMENT)
                        request.argv[n_arguments++] = (char *) (uintptr_t) record.text;
                else if (record.letter == TASK_DIRECTORY)
                        request.directory = record.text;
                else if (record.letter == TASK_TERMINAL)
                        request.terminal = true;
                else if (record.letter == TASK_MANAGER)
                        request.manager = true;
        }
        return request;
}

/* Sends a descriptor to the caller and closes it here. Return: whether it was sent. */
static bool hand_back(int control, char letter, int fd) {
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } rights = {
                .header = {
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                        .cmsg_len = CMSG_LEN(sizeof(int)),
                },
        };
        struct iovec data = { .iov_base = &letter, .iov_len = 1 };
        struct msghdr message = {
                .msg_iov = &data,
                .msg_iovlen = 1,
                .msg_control = &rights,
                .msg_controllen = sizeof(rights),
        };

        memcpy(CMSG_DATA(&rights.header), &fd, sizeof(int));
        bool sent = sendmsg(control, &message, MSG_NOSIGNAL) >= 0;
        (void) close(fd);
        return sent;
}

static void terminal_open(Streams *streams) {
        int slave;

        streams->master = pty_open(&slave);
        for (size_t i = 0; i < 3; i++)
                streams->fds[i] = slave;
}

static void terminal_give(const Streams *streams, uid_t uid) {
        if (streams->master >= 0 && fchown(streams->fds[0], uid, (gid_t) -1) < 0)
                fail(EXIT_SETUP, "cannot give the terminal to the user: ", strerrordesc_np(errno), NULL);
}

/*
 * Connects to the systemd in the container and sends the connection to the caller. If systemd does not
 * listen (yet), the command runs without a scope. A child does this, since systemd accepts only processes in
 * its pid namespace (core/dbus.c, bus_check_peercred()).
 */
static void manager_connect(void) {
        const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = MANAGER_SOCKET };
        int pidfd = -1;
        long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);

        if (pid == 0) {
                int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

                if (fd >= 0 && connect(fd, (const struct sockaddr *) &address, sizeof(address)) >= 0)
                        (void) hand_back(CONTROL_FD, LETTER_MANAGER, fd);
                _exit(EXIT_SUCCESS);
        }
        if (pid < 0)
                fail(EXIT_SETUP, "cannot fork: ", strerrordesc_np(errno), NULL);

        /* A process of the container may have stopped the child (SIGSTOP). */
        struct pollfd end = { .fd = pidfd, .events = POLLIN };
        if (poll(&end, 1, MANAGER_LIMIT_MSEC) <= 0)
                (void) kill((pid_t) pid, SIGKILL);
        while (waitpid((pid_t) pid, NULL, 0) < 0 && errno == EINTR)
                continue;
        (void) close(pidfd);
}

/*
 * Return: the environment of the container's first process, NULL-terminated. That process may have
 * overwritten it, so entries without a name are left out.
 */
static const char *const *environment_split(Span text) {
        size_t n = 0, n_lines = 1;

        for (size_t i = 0; i < text.length; i++)
                n_lines += text.text[i] == 0;

        const char **list = allocate((n_lines + 1) * sizeof(char *));
        for (const char *p = text.text, *end = p + text.length; p < end; p += strlen(p) + 1)
                if (strchr(p, '=') && *p != '=')
                        list[n++] = p;
        return list;
}

/* Return: the path of the user's login shell. */
static const char *login_shell(Setup *setup) {
        Span passwd, shell = setup->entry.shell;
        PasswdEntry entry;

        if (!setup->user && text_read("/etc/passwd", DATABASE_SIZE_MAX, &passwd) &&
                passwd_find(passwd, (Span){ "0", 1 }, &entry))
                shell = entry.shell;
        if (shell.length == 0)
                return "/bin/sh";

        char *path = allocate(shell.length + 1);
        memcpy(path, shell.text, shell.length);
        return path;
}

/* Becomes the login shell, with "-NAME" as argument 0, as login(1) does. */
static _Noreturn void login_run(const char *shell, Setup *setup) {
        const char *slash = strrchr(shell, '/');
        char *name = allocate(strlen(shell) + 2);

        (void) stpcpy(stpcpy(name, "-"), slash ? slash + 1 : shell);
        (void) execve(shell, (char *[]){ name, NULL }, (char **) setup->environment);
        fail(exit_code_of_exec(errno), "command \"", shell, "\": ", strerrordesc_np(errno), NULL);
}

/*
 * Makes the streams descriptors 0 to 2 and the socket descriptor 3, and closes all others: the command's
 * process must have nothing else from its first moment on.
 */
static void descriptors_settle(const Streams *streams, int control) {
        int high = fcntl(control, F_DUPFD_CLOEXEC, CONTROL_FD + 1);

        for (int i = 0; i < 3 && high >= 0; i++)
                if (streams->fds[i] <= i || dup2(streams->fds[i], i) < 0)
                        high = -1;
        if (high < 0 || dup3(high, CONTROL_FD, O_CLOEXEC) < 0)
                fail(EXIT_SETUP, "cannot set up descriptors: ", strerrordesc_np(errno), NULL);
        journal_replace(CONTROL_FD);
        descriptors_close_from(CONTROL_FD + 1);
}

/* Runs in the command's process, in the container. Waits until the caller has its pidfd. */
static _Noreturn void command_begin(const Request *request, Setup *setup, const char *shell) {
        char go;
        ssize_t n;

        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                fail(EXIT_SETUP, "cannot ask for the end of the caller: ", strerrordesc_np(errno), NULL);
        do
                n = read(CONTROL_FD, &go, 1);
        while (n < 0 && errno == EINTR);
        if (n != 1)
                _exit(EXIT_SETUP);

        /* posix_spawn(3) leaves the two signals ignored that the C library's threads use. */
        signals_reset();
        (void) setsid();
        if (request->terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
                fail(EXIT_SETUP, "cannot take the terminal: ", strerrordesc_np(errno), NULL);

        if (shell)
                login_run(shell, setup);
        command_run(request->argv, setup);
}

/*
 * Makes the command's process, as a child of the helper's parent. Uses clone(2), since the container's
 * seccomp filters may not allow clone3(2).
 *
 * Return: 0 in the new process, its pidfd in the helper.
 */
static int command_fork(void) {
        int pidfd = -1;
        long pid = syscall(SYS_clone, CLONE_PARENT | CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);

        if (pid < 0)
                fail(EXIT_SETUP, "cannot fork: ", strerrordesc_np(errno), NULL);
        return pid == 0 ? 0 : pidfd;
}

static void group_enter(int fd) {
        if (fd < 0)
                return;
        if (write(fd, "0", 1) != 1)
                fail(EXIT_SETUP, "cannot enter the task's control group: ", strerrordesc_np(errno), NULL);
        (void) close(fd);
}

/*
 * Becomes a process of the container in all but the pid namespace, and closes everything of the host.
 *
 * Return: the path of the login shell if the request has no command, else NULL.
 */
static const char *enter(
        int control, pid_t pid, const FdMessage *message, const Request *request, Setup *setup) {
        static const char *const hidden[] = { "CREDENTIALS_DIRECTORY", "LISTEN_FDNAMES", "LISTEN_FDS",
                "LISTEN_PID", "NOTIFY_SOCKET", NULL };
        Streams streams = {
                { fd_message_find(message, LETTER_INPUT), fd_message_find(message, LETTER_OUTPUT),
                        fd_message_find(message, LETTER_ERROR) },
                -1,
        };
        Filters filters = {};
        Leader leader;

        leader_read(&leader, pid, fd_message_find(message, LETTER_LEADER));
        group_enter(fd_message_find(message, LETTER_GROUP));
        if (leader.filtered)
                filters_read(leader.pid, fd_message_find(message, LETTER_LOCK), &filters);
        leader_copy_limits(&leader);
        leader_join(&leader);

        if (request->terminal)
                terminal_open(&streams);
        setup_build(setup, environment_split(leader.environment), hidden, request->text);
        const char *shell = request->argv[0] ? NULL : login_shell(setup);
        terminal_give(&streams, setup->user ? setup->entry.uid : 0);
        if (streams.master >= 0 && !hand_back(control, LETTER_TERMINAL, streams.master))
                _exit(EXIT_SETUP); /* the caller is gone */

        filters_install(&filters);
        leader_copy_bounds(&leader);
        leader_copy_capabilities(&leader);
        descriptors_settle(&streams, control);
        return shell;
}

static void hide(void) {
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                fail(EXIT_SETUP, "cannot hide from tracers: ", strerrordesc_np(errno), NULL);
}

static _Noreturn void run(int control, pid_t pid, const FdMessage *message) {
        Request request = request_read(
                text_read_fd(fd_message_find(message, LETTER_REQUEST), "the request", REQUEST_MAX));
        Setup setup = {};
        const char *shell = enter(control, pid, message, &request, &setup);

        hide();
        if (request.manager)
                manager_connect();

        if (setup.user)
                user_become(&setup);
        if (request.directory && chdir(request.directory) < 0)
                fail(EXIT_SETUP, "cannot start in \"", request.directory, "\": ", strerrordesc_np(errno),
                        NULL);
        hide(); /* a change of the user may make a process dumpable again */

        int pidfd = command_fork();
        if (pidfd == 0)
                command_begin(&request, &setup, shell);
        /* If the filters of the task forbid sendmsg(), the caller finds the command by our process name. */
        (void) hand_back(CONTROL_FD, LETTER_COMMAND, pidfd);
        _exit(EXIT_SUCCESS);
}

int helper_exec(char **argv) {
        pid_t pid = argv[0] ? (pid_t) strtol(argv[0], NULL, 10) : 0;
        FdMessage message;

        if (pid <= 0 || !argv[1] || argv[2])
                return -EINVAL;

        /* Descriptors that a library of the caller left open must not get into the container. */
        descriptors_close_from(3);
        int control = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        int r = control < 0 ? -errno : fd_message_take(control, &message);
        if (r < 0)
                fail(EXIT_SETUP, "the descriptors of the command did not arrive: ", strerrordesc_np(-r),
                        NULL);
        journal_replace(control);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        (void) prctl(PR_SET_NAME, argv[1], 0, 0, 0);
        run(control, pid, &message);
}
