/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/become.h"
#include "init/words.h"
#include "leader.h"

/* The most bytes of an environment; more than execve(2) accepts. */
#define ENVIRONMENT_MAX (4 * 1024 * 1024)
#define STATUS_MAX 65536

#define GONE "the task does not run any more"

static const char *proc_path(const Leader *leader, const char *name) {
        static char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%d/%s", leader->pid, name);
        return path;
}

static int proc_open(const Leader *leader, const char *name, int flags) {
        int fd = open(proc_path(leader, name), flags | O_CLOEXEC);

        if (fd < 0 && (errno == ENOENT || errno == ESRCH))
                fail(EXIT_SETUP, GONE, NULL);
        if (fd < 0)
                fail(EXIT_SETUP, "cannot open ", proc_path(leader, name), ": ", strerrordesc_np(errno),
                        NULL);
        return fd;
}

static Span proc_read(const Leader *leader, const char *name, size_t limit) {
        return text_read_fd(proc_open(leader, name, O_RDONLY), proc_path(leader, name), limit);
}

/* Return: the number behind "NAME:\t" in /proc/PID/status. */
static uint64_t status_number(Span status, const char *name, int base) {
        size_t n = strlen(name);

        for (const char *line = status.text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, name, n) == 0 && line[n] == ':')
                        return strtoull(line + n + 1, NULL, base);
        }
        fail(EXIT_SETUP, "the kernel does not tell \"", name, "\" of a process", NULL);
}

/* Return: flags for setns(2), for those namespaces of the leader that this process is not in. */
static int namespaces_find(const Leader *leader) {
        static const struct {
                const char *name;
                int flag;
        } rows[] = {
                { "user", CLONE_NEWUSER },
                { "mnt", CLONE_NEWNS },
                { "pid", CLONE_NEWPID },
                { "net", CLONE_NEWNET },
                { "ipc", CLONE_NEWIPC },
                { "uts", CLONE_NEWUTS },
                { "cgroup", CLONE_NEWCGROUP },
        };
        int flags = 0;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char name[16], own[32];
                struct stat theirs, ours;

                (void) snprintf(name, sizeof(name), "ns/%s", rows[i].name);
                (void) snprintf(own, sizeof(own), "/proc/self/ns/%s", rows[i].name);
                if (stat(own, &ours) < 0)
                        continue; /* not in this kernel */
                if (stat(proc_path(leader, name), &theirs) < 0)
                        fail(EXIT_SETUP, errno == ENOENT ? GONE : strerrordesc_np(errno), NULL);
                if (theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino)
                        flags |= rows[i].flag;
        }
        return flags;
}

static void limits_read(Leader *leader) {
        for (int i = 0; i < RLIM_NLIMITS; i++)
                if (prlimit(leader->pid, (__rlimit_resource_t) i, NULL, &leader->limits[i]) < 0)
                        fail(EXIT_SETUP, "cannot read the task's limits: ", strerrordesc_np(errno), NULL);
}

void leader_read(Leader *leader, pid_t pid, int pidfd) {
        *leader = (Leader){ .pid = pid, .pidfd = pidfd };

        leader->root = proc_open(leader, "root", O_PATH | O_DIRECTORY);
        leader->directory = proc_open(leader, "cwd", O_PATH | O_DIRECTORY);
        leader->environment = proc_read(leader, "environ", ENVIRONMENT_MAX);
        leader->personality = strtoul(proc_read(leader, "personality", STATUS_MAX).text, NULL, 16);
        leader->namespaces = namespaces_find(leader);
        limits_read(leader);

        Span status = proc_read(leader, "status", STATUS_MAX);
        leader->bounding = status_number(status, "CapBnd", 16);
        leader->inheritable = status_number(status, "CapInh", 16);
        leader->no_new_privileges = status_number(status, "NoNewPrivs", 10) != 0;
        leader->filtered = status_number(status, "Seccomp", 10) != 0;

        Span adjust = proc_read(leader, "oom_score_adj", sizeof(leader->oom_score_adj) - 1);
        memcpy(leader->oom_score_adj, adjust.text, adjust.length);

        if (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0)
                fail(EXIT_SETUP, GONE, NULL);
}

void leader_copy_limits(const Leader *leader) {
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        size_t n = strlen(leader->oom_score_adj);

        if (fd < 0 || write(fd, leader->oom_score_adj, n) != (ssize_t) n)
                fail(EXIT_SETUP, "cannot set oom_score_adj: ", strerrordesc_np(errno), NULL);
        (void) close(fd);

        for (int i = 0; i < RLIM_NLIMITS; i++)
                if (setrlimit((__rlimit_resource_t) i, &leader->limits[i]) < 0)
                        fail(EXIT_SETUP, "cannot set a limit: ", strerrordesc_np(errno), NULL);

        (void) umask(0022);
        if (personality(leader->personality) < 0)
                fail(EXIT_SETUP, "cannot set the personality: ", strerrordesc_np(errno), NULL);
}

void leader_join(const Leader *leader) {
        if (leader->namespaces && setns(leader->pidfd, leader->namespaces) < 0)
                fail(EXIT_SETUP,
                        "cannot enter the container: ", errno == ESRCH ? GONE : strerrordesc_np(errno),
                        NULL);
        if (fchdir(leader->root) < 0 || chroot(".") < 0 || fchdir(leader->directory) < 0)
                fail(EXIT_SETUP, "cannot enter the container's root: ", strerrordesc_np(errno), NULL);
        if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
                fail(EXIT_SETUP, "cannot become the container's root: ", strerrordesc_np(errno), NULL);

        /* The command must not see the keys of the host's session; a kernel may have no keyrings at all. */
        if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0) < 0 && errno != ENOSYS)
                fail(EXIT_SETUP, "cannot make a session keyring: ", strerrordesc_np(errno), NULL);
}

void leader_copy_bounds(const Leader *leader) {
        for (unsigned long cap = 0; cap < 64; cap++) {
                int r = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

                if (r < 0)
                        break; /* the kernel has no further capabilities */
                if (r > 0 && !(leader->bounding & UINT64_C(1) << cap) &&
                        prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
                        fail(EXIT_SETUP, "cannot drop capabilities: ", strerrordesc_np(errno), NULL);
        }

        if (leader->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                fail(EXIT_SETUP, "cannot set no_new_privs: ", strerrordesc_np(errno), NULL);
}

void leader_copy_capabilities(const Leader *leader) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
                fail(EXIT_SETUP, "cannot drop capabilities: ", strerrordesc_np(errno), NULL);
        if (syscall(SYS_capget, &header, data) < 0)
                fail(EXIT_SETUP, "cannot read capabilities: ", strerrordesc_np(errno), NULL);

        for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
                uint32_t allowed = (uint32_t) (leader->bounding >> (32 * i));

                data[i].permitted &= allowed;
                data[i].effective = data[i].permitted;
                data[i].inheritable = (uint32_t) (leader->inheritable >> (32 * i)) & data[i].permitted;
        }
        if (syscall(SYS_capset, &header, data) < 0)
                fail(EXIT_SETUP, "cannot drop capabilities: ", strerrordesc_np(errno), NULL);
}
