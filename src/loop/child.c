/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "loop/child.h"

#define FDINFO_MAX 4096

struct Child {
        LIST_ENTRY(Child) children;
        int pidfd; /* -1 once it was reaped */
        pid_t pid;
        sd_event_source *source;
        ChildEnded ended;
        void *userdata;
};

static LIST_HEAD(, Child) children;

/* Reads the pid from fdinfo (proc(5), /proc/PID/fdinfo; Linux 5.3). */
static pid_t pid_of(int pidfd) {
        _cleanup_free_ char *path = xasprintf("/proc/self/fdinfo/%d", pidfd), *text = NULL;
        const char *line = file_read(AT_FDCWD, path, FDINFO_MAX, &text) < 0 ? NULL : strstr(text, "\nPid:");

        return line ? (pid_t) strtol(line + strlen("\nPid:"), NULL, 10) : -1;
}

static int on_ended(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata) {
        Child *child = userdata;
        siginfo_t info = {};

        if (waitid(P_PIDFD, (id_t) fd, &info, WEXITED | WNOHANG) < 0) {
                if (errno == EINTR)
                        return 0;
                info = (siginfo_t){};
        } else if (info.si_pid == 0)
                return 0;

        child->source = sd_event_source_disable_unref(child->source);
        child->pidfd = fd_close(child->pidfd);
        child->ended(child->userdata, info.si_code, info.si_status);
        return 0;
}

int child_new(sd_event *event, int pidfd, ChildEnded ended, void *userdata, Child **ret) {
        Child *child = xnew(Child, 1);

        *child = (Child){ .pidfd = pidfd, .pid = pid_of(pidfd), .ended = ended, .userdata = userdata };
        LIST_INSERT_HEAD(&children, child, children);
        int r = sd_event_add_io(event, &child->source, pidfd, EPOLLIN, on_ended, child);
        if (r < 0) {
                child_free(child);
                return r;
        }

        *ret = child;
        return 0;
}

Child *child_free(Child *child) {
        if (!child)
                return NULL;

        LIST_REMOVE(child, children);
        sd_event_source_disable_unref(child->source);
        fd_close(child->pidfd);
        free(child);
        return NULL;
}

int child_signal(const Child *child, int signal) {
        if (child->pidfd < 0)
                return -ESRCH;
        return syscall(SYS_pidfd_send_signal, child->pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

pid_t child_pid(const Child *child) {
        return child->pid;
}

bool child_is_known(pid_t pid) {
        const Child *child;

        LIST_FOREACH (child, &children, children)
                if (child->pid == pid)
                        return true;
        return false;
}

bool child_has_ended(const Child *child) {
        return child->pidfd < 0;
}
