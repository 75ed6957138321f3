/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/become.h"
#include "process.h"

#define PROC_FILE_MAX 65536

pid_t supervisor_pid(void) {
        const char *text = getenv("MAINPID");

        return text ? (pid_t) strtol(text, NULL, 10) : 0;
}

static bool proc_read(pid_t pid, const char *name, Span *ret) {
        char path[96];

        (void) snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
        return text_read(path, PROC_FILE_MAX, ret);
}

/* Return: the pid in the innermost namespace (proc(5), NSpid), 0 when unknown. */
static long inner_pid(pid_t pid) {
        static const char name[] = "\nNSpid:";
        Span status;
        const char *field = proc_read(pid, "status", &status) ? strstr(status.text, name) : NULL;

        if (!field)
                return 0;
        field += sizeof(name) - 1;
        const char *last = memrchr(field, '\t', (size_t) (strchrnul(field, '\n') - field));
        return last ? strtol(last + 1, NULL, 10) : 0;
}

/* Return: the child with that pid in its own namespace, 0 when there is none. */
static pid_t child_find(pid_t parent, int inner) {
        char name[32];
        Span children;

        (void) snprintf(name, sizeof(name), "task/%d/children", parent);
        if (!proc_read(parent, name, &children))
                return 0;

        char *rest = (char *) (uintptr_t) children.text;
        for (char *number; (number = strsep(&rest, " "));) {
                pid_t pid = (pid_t) strtol(number, NULL, 10);

                if (pid > 0 && inner_pid(pid) == inner)
                        return pid;
        }
        return 0;
}

int process_open(pid_t supervisor, int inner) {
        pid_t parent = inner == PROCESS_FIRST ? supervisor : child_find(supervisor, PROCESS_FIRST);
        pid_t pid = parent > 0 ? child_find(parent, inner) : 0;
        int fd = pid > 0 ? (int) syscall(SYS_pidfd_open, pid, 0) : -1;

        if (pid <= 0)
                return -ESRCH;
        if (fd < 0)
                return -errno;
        if (child_find(parent, inner) != pid) { /* the pid may be another's by now */
                (void) close(fd);
                return -ESRCH;
        }
        return fd;
}

int process_signal(int pidfd, int signal) {
        return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int signal_parse(const char *text) {
        char *end;
        unsigned long number = text ? strtoul(text, &end, 10) : 0;

        return number > 0 && number <= (unsigned long) SIGRTMAX && *end == 0 ? (int) number : 0;
}

void signals_ignore(void) {
        for (int number = 1; number <= SIGRTMAX; number++)
                switch (number) {
                case SIGCHLD: /* nspawn waits for its children */
                case SIGTERM: /* nspawn passes these on */
                case SIGINT:
                        break;
                default:
                        (void) signal(number, SIG_IGN); /* where that is possible */
                }
}
