/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "kernel/cgroup.h"
#include "exec/group.h"

#define FILE_MAX_BYTES 65536

/* Rounds of going through a group: a process that forks meanwhile is found in a later one. */
#define ROUNDS_MAX 16

/* The most groups to look at: a container can make as many as it likes. */
#define GROUPS_MAX 4096

/* Name of a group: the pid of the process that makes it, and a number. */
#define NAME_PREFIX "nspawn-exec-"
#define NAME_FORMAT NAME_PREFIX "%d-%lu.scope"

/* Where the systemd of a container makes scopes; relative to its own group, init.scope. */
#define SCOPES_OF_MANAGER "../system.slice"

struct ExecGroup {
        char *root;
        char *control_group; /* of the unit */
        char *name;
        int parent;    /* directory of the leader's group */
        int directory; /* of this group */
        bool has_manager;
        bool is_scope; /* the container's systemd made it */
};

/* Return: whether the group's file cgroup.events contains @words. */
static bool group_says(int directory, const char *words) {
        _cleanup_free_ char *text = NULL;

        return file_read(directory, "cgroup.events", FILE_MAX_BYTES, &text) > 0 && strstr(text, words);
}

static int directory_open_at(int parent, const char *path) {
        int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int directory_open(const char *root, const char *path) {
        _cleanup_free_ char *full = cgroup_path(root, path, NULL);

        return full ? directory_open_at(AT_FDCWD, full) : -ENOENT;
}

/* Return: whether the group @path is in the unit with this control group. */
static bool is_in_unit(const char *path, const char *control_group) {
        return !string_is_empty(control_group) && cgroup_is_below(path, control_group);
}

static bool is_of_manager(const char *path) {
        return string_has_suffix(path, "/init.scope");
}

/* Writes every pid in the group to @fd, or kills the processes if @fd is negative. Return: how many. */
static size_t processes_pass(int directory, int fd) {
        _cleanup_free_ char *text = NULL;
        size_t n = 0;
        char *next;

        if (file_read(directory, "cgroup.procs", FILE_MAX_BYTES, &text) < 0)
                return 0;
        for (char *p = text;; p = next, n++) {
                long pid = strtol(p, &next, 10);

                if (next == p)
                        return n;
                if (fd < 0 && pid > 0)
                        (void) kill((pid_t) pid, SIGKILL);
                else if (fd >= 0)
                        (void) dprintf(fd, "%ld", pid);
        }
}

static void directory_kill(int directory) {
        _cleanup_fd_ int fd = openat(directory, "cgroup.kill", O_WRONLY | O_CLOEXEC);

        if (fd >= 0 && write(fd, "1", 1) == 1)
                return;
        for (int i = 0; i < ROUNDS_MAX && processes_pass(directory, -1) > 0; i++)
                continue;
}

/* Return: whether this is the name of a group that we made for a command, by a process that is gone. */
static bool is_abandoned(const char *name) {
        const char *rest = string_after_prefix(name, NAME_PREFIX);
        char *end = NULL;
        long pid = rest ? strtol(rest, &end, 10) : 0;

        if (pid <= 0 || pid > INT_MAX || *end != '-')
                return false;
        _cleanup_free_ char *expected = xasprintf(NAME_FORMAT, (int) pid, strtoul(end + 1, NULL, 10));
        return streq(name, expected) && kill((pid_t) pid, 0) < 0 && errno == ESRCH;
}

/* Takes ownership of the descriptor. */
static void abandoned_kill(int parent) {
        DIR *directory = parent < 0 ? NULL : fdopendir(parent);
        const struct dirent *entry;

        if (!directory) {
                fd_close(parent);
                return;
        }
        for (int n = 0; n < GROUPS_MAX && (entry = readdir(directory)); n++) {
                if (!is_abandoned(entry->d_name))
                        continue;
                _cleanup_fd_ int fd = directory_open_at(parent, entry->d_name);
                if (fd >= 0)
                        directory_kill(fd);
                /* Fails while a process has not ended yet; the next command tries again. */
                (void) unlinkat(parent, entry->d_name, AT_REMOVEDIR);
        }
        (void) closedir(directory);
}

/* Makes the group, with a name that no other group has, not even one left by an earlier process of ours. */
static int directory_make(ExecGroup *group) {
        static unsigned long number;

        for (;;) {
                free(group->name);
                group->name = xasprintf(NAME_FORMAT, getpid(), ++number);
                if (mkdirat(group->parent, group->name, 0755) >= 0)
                        break;
                if (errno != EEXIST)
                        return -errno;
        }

        group->directory = directory_open_at(group->parent, group->name);
        return group->directory < 0 ? group->directory : 0;
}

int exec_group_new(
        const char *root, const char *control_group, pid_t leader, ExecGroup **ret, Error **ret_error) {
        _cleanup_free_ char *path = cgroup_of_process(leader);
        _cleanup_exec_group_ ExecGroup *group = xnew(ExecGroup, 1);

        *group = (ExecGroup){
                .root = xstrdup_null(root),
                .control_group = xstrdup(control_group ? control_group : ""),
                .parent = -1,
                .directory = -1,
        };
        if (!path)
                return error_set(ret_error, ESRCH, "the task does not run any more");
        if (!is_in_unit(path, control_group))
                return error_set(ret_error, EXDEV,
                        "the container is in the control group %s, not in its unit's", path);

        group->has_manager = is_of_manager(path);
        group->parent = directory_open(group->root, path);
        if (group->parent >= 0 && group_says(group->parent, "frozen 1"))
                return error_set(ret_error, EBUSY,
                        "the task is frozen: nothing can be run in it before it is thawed");
        if (group->parent >= 0)
                abandoned_kill(directory_open_at(group->parent, "."));
        int r = group->parent < 0 ? group->parent : directory_make(group);
        if (r < 0)
                return error_set(
                        ret_error, r, "cannot make a control group below %s: %s", path, strerror(-r));

        *ret = TAKE_PTR(group);
        return 0;
}

ExecGroup *exec_group_free(ExecGroup *group) {
        if (!group)
                return NULL;

        free(group->root);
        free(group->control_group);
        free(group->name);
        fd_close(group->parent);
        fd_close(group->directory);
        free(group);
        return NULL;
}

const char *exec_group_name(const ExecGroup *group) {
        return group->name;
}

bool exec_group_has_manager(const ExecGroup *group) {
        return group->has_manager;
}

int exec_group_open_processes(const ExecGroup *group) {
        int fd = openat(group->directory, "cgroup.procs", O_WRONLY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

int exec_group_follow(ExecGroup *group, pid_t pid) {
        _cleanup_free_ char *path = cgroup_of_process(pid), *last = xasprintf("/%s", group->name);
        _cleanup_fd_ int fd = -1;
        struct stat ours, theirs;

        if (!path || !cgroup_is_below(path, group->control_group) || !string_has_suffix(path, last))
                return -ENOENT;
        fd = directory_open(group->root, path);
        if (fd < 0 || fstat(fd, &theirs) < 0 || fstat(group->directory, &ours) < 0 ||
                theirs.st_ino == ours.st_ino)
                return -ENOENT;

        exec_group_remove(group);
        group->directory = TAKE_FD(fd);
        group->is_scope = true;
        return 0;
}

void exec_group_kill(const ExecGroup *group) {
        directory_kill(group->directory);
}

int exec_group_open_events(const ExecGroup *group) {
        return openat(group->directory, "cgroup.events", O_RDONLY | O_CLOEXEC);
}

bool exec_group_is_populated(const ExecGroup *group) {
        return group_says(group->directory, "populated 1");
}

void exec_group_remove(ExecGroup *group) {
        if (group->is_scope || group->directory < 0)
                return;

        _cleanup_fd_ int fd = openat(group->parent, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        for (int i = 0; i < ROUNDS_MAX && fd >= 0 && processes_pass(group->directory, fd) > 0; i++)
                continue;
        (void) unlinkat(group->parent, group->name, AT_REMOVEDIR);
        group->directory = fd_close(group->directory);
}

void exec_groups_kill_abandoned(const char *root, const char *control_group, pid_t leader) {
        _cleanup_free_ char *path = cgroup_of_process(leader);

        if (!path || !is_in_unit(path, control_group))
                return;
        int parent = directory_open(root, path);
        if (parent >= 0 && is_of_manager(path))
                abandoned_kill(directory_open_at(parent, SCOPES_OF_MANAGER));
        abandoned_kill(parent);
}
