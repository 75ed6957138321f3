/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/tree.h"
#include "kernel/leader.h"

TestSuite(leader, .timeout = 60);

/* The first process of a pid namespace, and the thread that made it, which waits. */
typedef struct Container {
        pthread_t thread;
        int ready[2], wait[2];
        pid_t first;
} Container;

/* The kernel lists children for each thread, so the main thread's list lacks this one. */
static void *make_first(void *userdata) {
        Container *container = userdata;
        char byte = 0;

        if (unshare(CLONE_NEWPID) < 0)
                container->first = -errno;
        else
                container->first = fork();
        if (container->first == 0) {
                for (;;)
                        (void) pause();
        }
        (void) !write(container->ready[1], &byte, 1);
        (void) !read(container->wait[0], &byte, 1);
        return NULL;
}

static void container_open(Container *container) {
        char byte;

        cr_assert_eq(pipe2(container->ready, O_CLOEXEC), 0);
        cr_assert_eq(pipe2(container->wait, O_CLOEXEC), 0);
        cr_assert_eq(pthread_create(&container->thread, NULL, make_first, container), 0);
        cr_assert_eq(read(container->ready[0], &byte, 1), 1);
        if (container->first == -EPERM)
                cr_skip_test("only root may make pid namespaces");
        cr_assert_gt(container->first, 0);
}

/* The thread ends; its children become the main thread's. */
static void container_end_thread(Container *container) {
        cr_assert_eq(write(container->wait[1], "", 1), 1);
        cr_assert_eq(pthread_join(container->thread, NULL), 0);
}

static void container_close(Container *container) {
        (void) kill(container->first, SIGKILL);
        (void) waitpid(container->first, NULL, 0);
        fd_close(container->ready[0]);
        fd_close(container->ready[1]);
        fd_close(container->wait[0]);
        fd_close(container->wait[1]);
}

static void write_procs(const char *root, const char *group, const char *text) {
        _cleanup_free_ char *directory = xasprintf("%s%s", root, group);
        _cleanup_free_ char *path = xasprintf("%s/cgroup.procs", directory);

        cr_assert(mkdir(directory, 0755) == 0 || errno == EEXIST, "%s", directory);
        cr_assert_eq(file_write_private(path, text, strlen(text)), 0);
}

Test(leader, what_the_kernel_does_not_list_as_a_child_is_found_in_the_group_of_the_container) {
        static const char *const groups[] = { "/unit/payload", "/unit/payload/init.scope" };
        char root[] = "/tmp/leader-XXXXXX";
        Container container = {};

        cr_assert_not_null(mkdtemp(root));
        container_open(&container);
        _cleanup_free_ char *text = xasprintf("1\n%d\n%d\n", getpid(), container.first);

        cr_expect_eq(leader_find(getpid(), root, NULL), -ESRCH);
        cr_expect_eq(leader_find(getpid(), root, "/unit"), -ESRCH);
        write_procs(root, "/unit", "");
        for (size_t i = 0; i < ELEMENTSOF(groups); i++) {
                write_procs(root, groups[i], text);
                cr_expect_eq(leader_find(getpid(), root, "/unit"), container.first, "%s", groups[i]);
                write_procs(root, groups[i], "");
        }

        /* The first process of another process's container is not found. */
        write_procs(root, groups[0], text);
        cr_expect_eq(leader_find(container.first, root, "/unit"), -ESRCH);

        container_end_thread(&container);
        cr_expect_eq(leader_find(getpid(), root, NULL), container.first);
        container_close(&container);
        (void) tree_remove(root);
}
