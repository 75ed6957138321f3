/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "kernel/leader.h"

#define PROC_FILE_MAX 65536

/* Return: the text after "NAME:" in /proc/PID/status, owned by the caller; NULL when it is not there. */
static char *status_field(pid_t pid, const char *name) {
        _cleanup_free_ char *path = xasprintf("/proc/%d/status", pid), *text = NULL;

        if (file_read(AT_FDCWD, path, PROC_FILE_MAX, &text) < 0)
                return NULL;

        for (const char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                const char *value = string_after_prefix(line, name);
                if (value && *value == ':')
                        return xstrndup(value + 1, strcspn(value + 1, "\n"));
        }
        return NULL;
}

/* Return: the pid in the innermost namespace, 0 when unknown; *ret_depth: how many namespaces know it. */
static unsigned long inner_pid(pid_t pid, size_t *ret_depth) {
        _cleanup_free_ char *field = status_field(pid, "NSpid");
        unsigned long last = 0;
        char *end = field;

        *ret_depth = 0;
        while (end && *end) {
                char *next;
                unsigned long number = strtoul(end, &next, 10);

                if (next == end)
                        break;
                last = number;
                (*ret_depth)++;
                end = next;
        }
        return last;
}

static pid_t child_find(pid_t parent, unsigned long wanted, size_t extra_depth) {
        _cleanup_free_ char *path = xasprintf("/proc/%d/task/%d/children", parent, parent), *text = NULL;
        size_t parent_depth;
        char *p;

        ssize_t n = file_read(AT_FDCWD, path, PROC_FILE_MAX, &text);
        if (n == -ENOENT)
                return -ESRCH;
        if (n < 0)
                return (pid_t) n;

        (void) inner_pid(parent, &parent_depth);
        p = text;
        for (;;) {
                char *next;
                unsigned long pid = strtoul(p, &next, 10);
                size_t depth;

                if (next == p)
                        return -ESRCH;
                if (inner_pid((pid_t) pid, &depth) == wanted && depth == parent_depth + extra_depth)
                        return (pid_t) pid;
                p = next;
        }
}

pid_t leader_find(pid_t supervisor) {
        return supervisor > 0 ? child_find(supervisor, 1, 1) : -ESRCH;
}

pid_t payload_find(pid_t leader) {
        return leader > 0 ? child_find(leader, 2, 0) : -ESRCH;
}

int process_open(pid_t pid, pid_t parent) {
        _cleanup_fd_ int fd = (int) syscall(SYS_pidfd_open, pid, 0);
        uint64_t number;

        if (fd < 0)
                return -errno;

        _cleanup_free_ char *field = status_field(pid, "PPid");
        const char *digits = field ? field + strspn(field, " \t") : "";
        if (!string_parse_u64(digits, &number) || number != (uint64_t) parent)
                return -ESRCH;

        return TAKE_FD(fd);
}

pid_t process_inner_pid(pid_t pid) {
        size_t depth;

        return (pid_t) inner_pid(pid, &depth);
}

int process_signal(int pidfd, int signal) {
        return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}
