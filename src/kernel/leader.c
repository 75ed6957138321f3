/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "kernel/cgroup.h"
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

/* Describes the child process to look for. */
typedef struct Wanted {
        pid_t parent;
        size_t depth;        /* how many pid namespaces know the child */
        unsigned long inner; /* its pid in the innermost */
} Wanted;

static bool is_child_of(pid_t pid, pid_t parent) {
        _cleanup_free_ char *field = status_field(pid, "PPid");
        uint64_t number;

        return field && string_parse_u64(field + strspn(field, " \t"), &number) &&
                number == (uint64_t) parent;
}

/* Return: the child, if the file, a list of pids, has it; else -ESRCH or another negative errno. */
static pid_t wanted_in_file(const Wanted *wanted, const char *path) {
        _cleanup_free_ char *text = NULL;
        char *next;

        ssize_t n = file_read(AT_FDCWD, path, PROC_FILE_MAX, &text);
        if (n == -ENOENT)
                return -ESRCH;
        if (n < 0)
                return (pid_t) n;

        for (const char *p = text;; p = next) {
                pid_t pid = (pid_t) strtoul(p, &next, 10);
                size_t depth;

                if (next == p)
                        return -ESRCH;
                if (inner_pid(pid, &depth) == wanted->inner && depth == wanted->depth &&
                        is_child_of(pid, wanted->parent))
                        return pid;
        }
}

/*
 * Reads "children" twice: the file may lack a process while another child exits (proc(5)), and nspawn's
 * first child exits at about the time when the engine looks for the leader.
 */
static pid_t child_find(pid_t parent, unsigned long inner, size_t extra_depth) {
        _cleanup_free_ char *path = xasprintf("/proc/%d/task/%d/children", parent, parent);
        Wanted wanted = { .parent = parent, .inner = inner };
        pid_t pid;

        (void) inner_pid(parent, &wanted.depth);
        wanted.depth += extra_depth;
        pid = wanted_in_file(&wanted, path);
        return pid > 0 ? pid : wanted_in_file(&wanted, path);
}

/* The groups that may have a container's first process: nspawn puts it into the first one, and a systemd in
 * the container moves itself to the second. */
static const char *const payload_groups[] = { "/payload", "/payload/init.scope" };

static pid_t leader_find_in_group(pid_t supervisor, const char *root, const char *control_group) {
        Wanted wanted = { .parent = supervisor, .inner = 1 };
        pid_t pid = -ESRCH;

        (void) inner_pid(supervisor, &wanted.depth);
        wanted.depth++;
        for (size_t i = 0; i < ELEMENTSOF(payload_groups) && pid < 0; i++) {
                _cleanup_free_ char *group = xasprintf("%s%s", control_group, payload_groups[i]);
                _cleanup_free_ char *path = cgroup_path(root, group, "cgroup.procs");

                pid = wanted_in_file(&wanted, path);
        }
        return pid;
}

pid_t leader_find(pid_t supervisor, const char *root, const char *control_group) {
        pid_t pid = supervisor > 0 ? child_find(supervisor, 1, 1) : -ESRCH;

        if (pid > 0 || supervisor <= 0 || string_is_empty(control_group))
                return pid;
        return leader_find_in_group(supervisor, root, control_group);
}

pid_t payload_find(pid_t leader) {
        return leader > 0 ? child_find(leader, 2, 0) : -ESRCH;
}

int process_open(pid_t pid, pid_t parent) {
        _cleanup_fd_ int fd = (int) syscall(SYS_pidfd_open, pid, 0);

        if (fd < 0)
                return -errno;
        return is_child_of(pid, parent) ? TAKE_FD(fd) : -ESRCH;
}

pid_t process_inner_pid(pid_t pid) {
        size_t depth;

        return (pid_t) inner_pid(pid, &depth);
}

int process_signal(int pidfd, int signal) {
        return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}
