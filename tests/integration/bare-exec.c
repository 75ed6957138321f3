/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "base/fd.h"

#define STACK_SIZE 65536

#define NAMESPACES \
        (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
                CLONE_NEWCGROUP)

/* Shared by the test and both child processes, which run in its memory (CLONE_VM) until execv(). */
typedef struct Floor {
        int leader;
        int root;
        char *const *command;
        char *stack; /* of the second child */
        int error;   /* errno of the first failure */
} Floor;

static char *stack_top(char *stack) {
        return stack + STACK_SIZE;
}

static int become_command(void *userdata) {
        Floor *floor = userdata;

        (void) execv(floor->command[0], floor->command);
        floor->error = errno;
        _exit(127);
}

/* setns() puts only later children into the pid namespace, so the command is a child of this process. The
 * ids are set by system calls: the C library's functions would change them in all threads of the test. */
static int join(void *userdata) {
        Floor *floor = userdata;
        int status;

        if (setns(floor->leader, NAMESPACES) < 0 || fchdir(floor->root) < 0 || chroot(".") < 0 ||
                syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 ||
                syscall(SYS_setresuid, 0, 0, 0) < 0) {
                floor->error = errno;
                _exit(126);
        }

        pid_t pid = clone(become_command, stack_top(floor->stack), CLONE_VM | CLONE_VFORK | SIGCHLD, floor);
        if (pid < 0 || waitpid(pid, &status, 0) != pid) {
                floor->error = errno;
                _exit(126);
        }
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128);
}

double bare_exec(pid_t leader, char *const *command) {
        _cleanup_free_ char *root = xasprintf("/proc/%d/root", leader), *first = xcalloc(STACK_SIZE, 1),
                            *second = xcalloc(STACK_SIZE, 1);
        double begin = now();
        _cleanup_fd_ int leader_fd = (int) syscall(SYS_pidfd_open, leader, 0),
                         root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        Floor floor = { .leader = leader_fd, .root = root_fd, .command = command, .stack = second };
        int status = -1;

        pid_t pid = clone(join, stack_top(first), CLONE_VM | CLONE_VFORK | SIGCHLD, &floor);
        cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid, "clone: %s", strerror(errno));
        double took = now() - begin;
        cr_assert_eq(status, 0, "status %d, %s", status, strerror(floor.error));
        return took;
}
