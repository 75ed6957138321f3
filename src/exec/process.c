/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fd-letters.h"
#include "base/string.h"
#include "loop/child.h"
#include "kernel/cgroup.h"
#include "exec/group.h"
#include "exec/process.h"
#include "kernel/leader.h"
#include "exec/scope.h"
#include "loop/must.h"

/* How long the systemd in a container may take to make a scope; after that the command runs without one. */
#define SCOPE_LIMIT_USEC (5 * USEC_PER_SEC)

/* How long to wait until killed processes are gone: one may hang in the kernel. */
#define EMPTY_LIMIT_USEC (10 * USEC_PER_SEC)

#define WORDS_MAX 4096
#define CHILDREN_MAX 65536
#define COMM_MAX 64

struct ExecProcess {
        sd_event *event;
        const ExecProcessCallbacks *callbacks; /* NULL after exec_process_free() */
        void *userdata;

        ExecGroup *group;
        Child *helper;
        Child *command; /* NULL until its pidfd has come from the helper */
        int control;
        sd_event_source *control_source;
        int manager; /* connection to the systemd in the container, or -1 */
        Scope *scope;
        bool is_terminal;

        char *name; /* process name of the helper, and of the command until it calls execve() */
        char *words;
        bool killed;
        bool made; /* the helper has ended, so that no further command is accepted */
        bool ending;
        bool ended;
        int code;
        int status;
        sd_event_source *empty_source, *empty_timer;
};

static void process_destroy(ExecProcess *process) {
        scope_free(process->scope);
        sd_event_source_disable_unref(process->control_source);
        sd_event_source_disable_unref(process->empty_source);
        sd_event_source_disable_unref(process->empty_timer);
        child_free(process->helper);
        child_free(process->command);
        exec_group_free(process->group);
        fd_close(process->control);
        fd_close(process->manager);
        sd_event_unref(process->event);
        free(process->name);
        free(process->words);
        free(process);
}

static void process_end(ExecProcess *process) {
        const ExecProcessCallbacks *callbacks = process->callbacks;
        const ExecEnd end = {
                .ran = process->command && process->code != 0,
                .code = process->code,
                .status = process->status,
                .words = process->words,
        };

        process->empty_source = sd_event_source_disable_unref(process->empty_source);
        process->empty_timer = sd_event_source_disable_unref(process->empty_timer);
        process->ended = true;
        if (process->group)
                exec_group_remove(process->group);
        if (callbacks)
                callbacks->on_end(process->userdata, &end);
        else
                process_destroy(process);
}

static int on_group_event(
        sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata) {
        ExecProcess *process = userdata;
        char text[256];

        /* Reading the file clears the event. */
        ssize_t n = pread(fd, text, sizeof(text), 0);
        if (n < 0 || !exec_group_is_populated(process->group))
                process_end(process);
        return 0;
}

static int on_empty_limit(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        process_end(userdata);
        return 0;
}

/* Waits for the end of killed processes, which takes a moment. Return: whether there are any to wait for. */
static bool process_wait_empty(ExecProcess *process) {
        int fd = process->group && process->killed ? exec_group_open_events(process->group) : -1;

        if (fd < 0)
                return false;
        if (sd_event_add_io(process->event, &process->empty_source, fd, EPOLLPRI, on_group_event, process) <
                0) {
                fd_close(fd);
                return false;
        }
        (void) sd_event_source_set_io_fd_own(process->empty_source, true);
        event_must(sd_event_add_time_relative(process->event, &process->empty_timer, CLOCK_MONOTONIC,
                EMPTY_LIMIT_USEC, 0, on_empty_limit, process));
        return exec_group_is_populated(process->group);
}

/* Lets the command start: it waits for this byte. */
static void command_go(ExecProcess *process) {
        (void) send(process->control, "g", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void on_scope(void *userdata, const Error *error) {
        ExecProcess *process = userdata;

        process->scope = scope_free(process->scope);
        if (!error)
                (void) exec_group_follow(process->group, child_pid(process->command));
        if (process->killed)
                exec_group_kill(process->group);
        command_go(process);
}

/* Asks the systemd in the container for a scope for the command; it may refuse. */
static void command_ask_scope(ExecProcess *process) {
        pid_t inside = process_inner_pid(child_pid(process->command));

        process->scope = scope_new(process->event, TAKE_FD(process->manager),
                exec_group_name(process->group), "Command run from the host by nspawn-units", inside,
                SCOPE_LIMIT_USEC, on_scope, process, NULL);
}

static void process_check(ExecProcess *process);

static void on_command_ended(void *userdata, int code, int status) {
        ExecProcess *process = userdata;

        process->code = code;
        process->status = status;
        process_check(process);
}

/* The helper makes exactly one command. Any further pidfd comes from another process, and is closed. */
static void process_take_command(ExecProcess *process, int fd) {
        _cleanup_fd_ int pidfd = fd;

        if (process->command || process->made ||
                child_new(process->event, TAKE_FD(pidfd), on_command_ended, process, &process->command) < 0)
                return;

        if (process->killed)
                exec_process_kill(process);
        else if (process->manager >= 0 && process->group)
                command_ask_scope(process);
        if (!process->scope)
                command_go(process);
}

/* Return: whether our child @pid, whose pidfd never came, has this helper's name: it is the command then. */
static bool process_made(const ExecProcess *process, pid_t pid) {
        _cleanup_free_ char *path = xasprintf("/proc/%d/comm", pid), *name = NULL;

        if (child_is_known(pid) || file_read(AT_FDCWD, path, COMM_MAX, &name) < 0)
                return false;
        name[strcspn(name, "\n")] = 0;
        return streq(name, process->name);
}

/*
 * A helper may have made the command without sending its pidfd: if it was killed, or if the container's
 * seccomp filters forbid sendmsg(). We must reap that command, or the container cannot end.
 */
static void process_find_command(ExecProcess *process, bool may_run) {
        _cleanup_free_ char *path = xasprintf("/proc/self/task/%d/children", gettid()), *text = NULL;
        char *next;

        if (file_read(AT_FDCWD, path, CHILDREN_MAX, &text) < 0)
                return;
        for (char *p = text;; p = next) {
                pid_t pid = (pid_t) strtol(p, &next, 10);

                if (next == p)
                        return;
                if (!process_made(process, pid))
                        continue;
                int fd = (int) syscall(SYS_pidfd_open, pid, 0);
                process->killed = process->killed || !may_run;
                if (fd >= 0)
                        process_take_command(process, fd);
                return;
        }
}

static void process_take_descriptor(ExecProcess *process, char letter, int received) {
        _cleanup_fd_ int fd = received;

        if (letter == LETTER_COMMAND)
                process_take_command(process, TAKE_FD(fd));
        else if (letter == LETTER_MANAGER && process->manager < 0 && !process->command)
                process->manager = TAKE_FD(fd);
        else if (letter == LETTER_TERMINAL && process->is_terminal && process->callbacks) {
                process->is_terminal = false;
                process->callbacks->on_terminal(process->userdata, TAKE_FD(fd));
        }
}

static void process_take_words(ExecProcess *process, const char *bytes, size_t n) {
        static const char prefix[] = "nspawn-units: ";
        size_t skip = n > sizeof(prefix) && memcmp(bytes, prefix, sizeof(prefix) - 1) == 0
                ? sizeof(prefix) - 1
                : 0;

        if (n > 0 && bytes[n - 1] == '\n')
                n--;
        if (!process->words && n > skip)
                process->words = utf8_sanitize(bytes + skip, n - skip);
}

/* Return: 1 when there was a message, 0 when there is none now, negative when no more can come. */
static int process_receive(ExecProcess *process) {
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(LETTER_MAX * sizeof(int))];
        } control;
        char bytes[WORDS_MAX];
        struct iovec data = { .iov_base = bytes, .iov_len = sizeof(bytes) };
        struct msghdr message = {
                .msg_iov = &data,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        int fds[LETTER_MAX];
        ssize_t n = recvmsg(process->control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        if (n <= 0)
                return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;

        const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
                process_take_words(process, bytes, (size_t) n);
                return 1;
        }

        size_t n_fds = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(header), n_fds * sizeof(int));
        for (size_t i = 0; i < n_fds; i++)
                process_take_descriptor(process, i < (size_t) n ? bytes[i] : 0, fds[i]);
        return 1;
}

/* Begins the end once both the helper and the command are reaped. */
static void process_check(ExecProcess *process) {
        if (process->ending || !child_has_ended(process->helper) ||
                (process->command && !child_has_ended(process->command)))
                return;

        process->ending = true;
        /* Reads the last messages; not without limit, since another process may write to the socket, too. */
        for (int i = 0; i < LETTER_MAX && process_receive(process) > 0; i++)
                continue;
        process->control_source = sd_event_source_disable_unref(process->control_source);
        process->scope = scope_free(process->scope);
        if (!process_wait_empty(process))
                process_end(process);
}

static void on_helper_ended(void *userdata, int code, int status) {
        ExecProcess *process = userdata;

        /* The pidfd of the command may still be in the socket. */
        for (int i = 0; i < LETTER_MAX && process_receive(process) > 0; i++)
                continue;
        if (!process->command)
                process_find_command(process, code == CLD_EXITED && status == EXIT_SUCCESS);
        process->made = true;
        process_check(process);
}

static int on_control(sd_event_source *source, int fd _unused_, uint32_t events _unused_, void *userdata) {
        /* The end of the socket means nothing: the ends of the two processes count. */
        if (process_receive(userdata) < 0)
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        return 0;
}

static int process_watch(ExecProcess *process, int helper) {
        int r = child_new(process->event, helper, on_helper_ended, process, &process->helper);

        return r < 0 ? r
                     : sd_event_add_io(process->event, &process->control_source, process->control, EPOLLIN,
                               on_control, process);
}

int exec_process_new(sd_event *event, const ExecPlace *place, const ExecSpec *spec,
        const ExecProcessCallbacks *callbacks, void *userdata, int *ret_input,
        int ret_outputs[static _EXEC_STREAM_MAX], ExecProcess **ret, Error **ret_error) {
        ExecProcess *process = xnew(ExecProcess, 1);
        _cleanup_fd_ int processes = -1;
        ExecSpawn spawned;
        int r = 0;

        *process = (ExecProcess){
                .event = sd_event_ref(event),
                .callbacks = callbacks,
                .userdata = userdata,
                .control = -1,
                .manager = -1,
                .is_terminal = spec->terminal,
        };
        if (place->control_group) {
                r = exec_group_new(
                        place->cgroup_root, place->control_group, place->leader, &process->group, ret_error);
                processes = r < 0 ? -1 : exec_group_open_processes(process->group);
                if (r >= 0 && processes < 0)
                        r = error_set(ret_error, processes, "cannot open the control group: %s",
                                strerror(-processes));
        }
        if (r >= 0)
                r = exec_spawn(place, spec, processes,
                        process->group && exec_group_has_manager(process->group), &spawned, ret_error);
        if (r < 0) {
                if (process->group)
                        exec_group_remove(process->group);
                process_destroy(process);
                return r;
        }

        process->control = spawned.control;
        process->name = spawned.name;
        r = process_watch(process, spawned.helper);
        if (r < 0) {
                /* Without a group nothing kills the helper, but it ends when the socket is closed. */
                if (process->group) {
                        exec_group_kill(process->group);
                        exec_group_remove(process->group);
                }
                fd_close(spawned.input);
                for (size_t i = 0; i < _EXEC_STREAM_MAX; i++)
                        fd_close(spawned.outputs[i]);
                process_destroy(process);
                return error_set(ret_error, r, "cannot watch the command: %s", strerror(-r));
        }

        *ret_input = spawned.input;
        memcpy(ret_outputs, spawned.outputs, sizeof(spawned.outputs));
        *ret = process;
        return 0;
}

ExecProcess *exec_process_free(ExecProcess *process) {
        if (!process)
                return NULL;

        process->callbacks = NULL;
        if (process->ended)
                process_destroy(process);
        else
                exec_process_kill(process);
        return NULL;
}

void exec_process_kill(ExecProcess *process) {
        process->killed = true;
        if (process->ended)
                return;

        if (!child_has_ended(process->helper))
                (void) child_signal(process->helper, SIGKILL);
        if (process->command)
                (void) child_signal(process->command, SIGKILL);
        if (process->group)
                exec_group_kill(process->group);
}
