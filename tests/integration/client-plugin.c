/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/strv.h"
#include "client.h"

#define LINE_LIMIT 1024

struct Plugin {
        pid_t pid;
        int pidfd;
        int out; /* the plugin's stdout; kept open, as an agent does */
        bool gone;
        int status;
        char *line;
        char *socket;
};

static uint64_t now_msec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

/* Return: 1 when there is something to read before @until, 0 when not, or a negative errno. */
static int wait_readable(int fd, uint64_t until) {
        for (;;) {
                struct pollfd pollfd = { .fd = fd, .events = POLLIN };
                uint64_t now = now_msec();
                int r = poll(&pollfd, 1, now < until ? (int) (until - now) : 0);

                if (r >= 0)
                        return r;
                if (errno != EINTR)
                        return -errno;
        }
}

static int read_line(Plugin *plugin, unsigned limit_msec, Error **ret_error) {
        _cleanup_string_buffer_ StringBuffer buffer = {};
        uint64_t until = now_msec() + limit_msec;
        char c;

        /* Reads byte by byte, so that nothing after the line is taken. */
        for (;;) {
                int r = wait_readable(plugin->out, until);

                if (r < 0)
                        return error_set(ret_error, r, "cannot wait for the handshake: %s", strerror(-r));
                if (r == 0)
                        return error_set(ret_error, ETIMEDOUT, "no handshake after %u ms", limit_msec);
                if (read(plugin->out, &c, 1) != 1)
                        return error_set(ret_error, EPIPE, "the plugin ended without a handshake");
                if (c == '\n')
                        break;
                if (buffer.length == LINE_LIMIT)
                        return error_set(ret_error, EMSGSIZE, "the handshake line is too long");
                string_buffer_append_bytes(&buffer, &c, 1);
        }

        plugin->line = string_buffer_take(&buffer);
        return 0;
}

static int parse_line(Plugin *plugin, Error **ret_error) {
        const char *path = string_after_prefix(plugin->line, "1|2|unix|/");
        const char *end = path ? strchr(path, '|') : NULL;

        if (!end || !string_after_prefix(end, "|grpc|"))
                return error_set(ret_error, EBADMSG, "the handshake line makes no sense: %s", plugin->line);

        plugin->socket = xstrndup(path - 1, (size_t) (end - path) + 1);
        return 0;
}

static char **make_environment(char *const *additions) {
        static const char *const usual[] = {
                "NOMAD_PLUGIN_MAGIC_COOKIE=e4327c2e01eabfd75a8a67adb114fb34a757d57eee7728d857a8cec6e91a7255",
                "PLUGIN_MIN_PORT=10000",
                "PLUGIN_MAX_PORT=25000",
                "PLUGIN_PROTOCOL_VERSIONS=2",
        };
        char **list = NULL;

        /* The first entry of a name counts, so the additions come first. */
        STRV_FOREACH (s, additions)
                strv_append(&list, *s);
        for (size_t i = 0; i < ELEMENTSOF(usual); i++)
                strv_append(&list, usual[i]);
        STRV_FOREACH (s, environ)
                strv_append(&list, *s);
        return list;
}

static int spawn(
        const char *program, char *const *environment, const char *stderr_path, int out, pid_t *ret_pid) {
        _cleanup_strv_ char **env = make_environment(environment);
        char *const argv[] = { (char *) program, NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r;

        (void) sigemptyset(&none);
        (void) sigfillset(&all);
        (void) posix_spawnattr_init(&attributes);
        (void) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        (void) posix_spawnattr_setsigmask(&attributes, &none);
        (void) posix_spawnattr_setsigdefault(&attributes, &all);
        (void) posix_spawn_file_actions_init(&actions);
        (void) posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        (void) posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        (void) posix_spawn_file_actions_addopen(&actions, STDERR_FILENO,
                stderr_path ? stderr_path : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600);

        r = posix_spawn(ret_pid, program, &actions, &attributes, argv, env);

        (void) posix_spawn_file_actions_destroy(&actions);
        (void) posix_spawnattr_destroy(&attributes);
        return -r;
}

int plugin_start(const char *program, char *const *environment, const char *stderr_path, unsigned limit_msec,
        Plugin **ret_plugin, Error **ret_error) {

        _cleanup_plugin_ Plugin *plugin = xnew(Plugin, 1);
        int fds[2], r;

        *plugin = (Plugin){ .pidfd = -1, .out = -1, .gone = true };
        if (pipe2(fds, O_CLOEXEC) < 0)
                return error_set(ret_error, errno, "cannot make a pipe: %s", strerror(errno));
        plugin->out = fds[0];

        r = spawn(program, environment, stderr_path, fds[1], &plugin->pid);
        (void) fd_close(fds[1]);
        if (r < 0)
                return error_set(ret_error, r, "cannot start %s: %s", program, strerror(-r));
        plugin->gone = false;

        plugin->pidfd = (int) syscall(SYS_pidfd_open, plugin->pid, 0);
        if (plugin->pidfd < 0)
                return error_set(ret_error, errno, "cannot open a pidfd: %s", strerror(errno));

        r = read_line(plugin, limit_msec, ret_error);
        if (r < 0)
                return r;
        r = parse_line(plugin, ret_error);
        if (r < 0)
                return r;

        *ret_plugin = TAKE_PTR(plugin);
        return 0;
}

Plugin *plugin_free(Plugin *plugin) {
        if (!plugin)
                return NULL;

        if (!plugin->gone) {
                (void) kill(plugin->pid, SIGKILL);
                while (waitpid(plugin->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        (void) fd_close(plugin->pidfd);
        (void) fd_close(plugin->out);
        free(plugin->line);
        free(plugin->socket);
        free(plugin);
        return NULL;
}

pid_t plugin_pid(const Plugin *plugin) {
        return plugin->pid;
}

const char *plugin_socket(const Plugin *plugin) {
        return plugin->socket;
}

const char *plugin_line(const Plugin *plugin) {
        return plugin->line;
}

void plugin_signal(Plugin *plugin, int signal) {
        if (!plugin->gone)
                (void) kill(plugin->pid, signal);
}

int plugin_wait(Plugin *plugin, unsigned limit_msec, int *ret_status) {
        if (!plugin->gone) {
                int r = wait_readable(plugin->pidfd, now_msec() + limit_msec);

                if (r < 0)
                        return r;
                if (r == 0)
                        return -ETIMEDOUT;
                if (waitpid(plugin->pid, &plugin->status, 0) < 0)
                        return -errno;
                plugin->gone = true;
        }

        if (ret_status)
                *ret_status = plugin->status;
        return 0;
}
