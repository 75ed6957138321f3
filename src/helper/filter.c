/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.h"
#include "init/become.h"
#include "init/words.h"

static _Noreturn void fail_reading(int error) {
        fail(EXIT_SETUP, "cannot read the task's system call filter, without which nothing is run in it: ",
                strerrordesc_np(error), NULL);
}

/* Stops the process by ptrace(2). Return: the wait status of the stop. */
static int process_stop(pid_t pid) {
        int status;

        /* PTRACE_SEIZE is invisible to the tracee's parent, and the kernel detaches if this process dies. */
        if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
                fail_reading(errno);
        while (waitpid(pid, &status, __WALL) < 0)
                if (errno != EINTR)
                        fail_reading(errno);
        if (!WIFSTOPPED(status))
                fail(EXIT_SETUP, "the task does not run any more", NULL);
        return status;
}

static void process_continue(pid_t pid, int status) {
        bool by_us = status >> 16 == PTRACE_EVENT_STOP;
        long signal = by_us ? 0 : WSTOPSIG(status);

        (void) ptrace(PTRACE_DETACH, pid, NULL, (void *) signal);
}

/* Reads one filter of a stopped process. Return: whether there is a filter of this number. */
static bool filter_read(pid_t pid, size_t number, struct sock_fprog *ret) {
        long n = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *) number, NULL);

        if (n < 0 && errno == ENOENT)
                return false;
        if (n <= 0 || n > BPF_MAXINSNS)
                fail_reading(n < 0 ? errno : EINVAL);

        ret->len = (unsigned short) n;
        ret->filter = allocate((size_t) n * sizeof(struct sock_filter));
        if (ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *) number, ret->filter) != n)
                fail_reading(errno);
        return true;
}

void filters_read(pid_t pid, int lock, Filters *ret) {
        if (lock >= 0 && flock(lock, LOCK_EX) < 0)
                fail_reading(errno);
        int status = process_stop(pid);

        ret->n = 0;
        while (ret->n < FILTERS_MAX && filter_read(pid, ret->n, &ret->programs[ret->n]))
                ret->n++;
        process_continue(pid, status);
        if (lock >= 0)
                (void) flock(lock, LOCK_UN);

        if (ret->n == 0 || ret->n == FILTERS_MAX)
                fail_reading(ret->n == 0 ? ENODATA : E2BIG);
}

void filters_install(const Filters *filters) {
        for (size_t i = 0; i < filters->n; i++)
                if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filters->programs[i]) < 0)
                        fail(EXIT_SETUP,
                                "cannot install the task's system call filter: ", strerrordesc_np(errno),
                                NULL);
}
