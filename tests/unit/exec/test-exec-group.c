/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/group-box.h"
#include "exec/group.h"
#include "kernel/cgroup.h"

TestSuite(exec_group, .timeout = 30);

/* A tree of plain files in place of the control groups, in which this process is the leader. */
typedef struct Tree {
        GroupBox groups;
        char *group; /* control group of this process, from /proc */
} Tree;

/* Makes the directory and all above it. */
static void tree_make(const Tree *tree, const char *name) {
        _cleanup_free_ char *path = xasprintf("%s%s/%s", tree->groups.root, tree->group, name);

        for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
                *slash = 0;
                (void) mkdir(path, 0755);
                *slash = '/';
        }
        cr_assert(mkdir(path, 0755) == 0 || errno == EEXIST, "%s: %m", path);
}

static char *tree_kill_file(const Tree *tree, const char *name) {
        return xasprintf("%s%s/%s/cgroup.kill", tree->groups.root, tree->group, name);
}

static void tree_make_group(const Tree *tree, const char *name) {
        _cleanup_free_ char *path = tree_kill_file(tree, name);

        tree_make(tree, name);
        _cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        cr_assert_geq(fd, 0, "%s: %m", path);
}

static bool tree_was_killed(const Tree *tree, const char *name) {
        _cleanup_free_ char *path = tree_kill_file(tree, name), *text = NULL;

        cr_assert_geq(file_read(AT_FDCWD, path, 16, &text), 0, "%s", path);
        return streq(text, "1");
}

static void tree_open(Tree *tree) {
        *tree = (Tree){ .group = cgroup_of_process(getpid()) };
        cr_assert_not_null(tree->group, "no control groups of version 2");
        group_box_open(&tree->groups);
}

static void tree_close(Tree *tree) {
        free(tree->group);
        group_box_close(&tree->groups);
}
#define _cleanup_tree_ _cleanup_(tree_close)

static pid_t pid_of_nobody(void) {
        pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
        return pid;
}

Test(exec_group, only_what_a_caller_that_is_gone_left_is_killed) {
        _cleanup_tree_ Tree tree;
        pid_t gone = pid_of_nobody();
        _cleanup_free_ char *left = xasprintf("nspawn-exec-%d-7.scope", gone),
                            *empty = xasprintf("nspawn-exec-%d-8.scope", gone),
                            *ours = xasprintf("nspawn-exec-%d-7.scope", getpid()),
                            *longer = xasprintf("nspawn-exec-%d-7.scope.d", gone),
                            *padded = xasprintf("nspawn-exec-0%d-7.scope", gone);
        const char *const others[] = { ours, longer, padded, "nspawn-exec--1-7.scope", "payload" };

        tree_open(&tree);
        tree_make_group(&tree, left);
        tree_make(&tree, empty);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                tree_make_group(&tree, others[i]);

        exec_groups_kill_abandoned(tree.groups.root, tree.group, getpid());
        cr_expect(tree_was_killed(&tree, left));
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                cr_expect_not(tree_was_killed(&tree, others[i]), "%s", others[i]);
        _cleanup_free_ char *path = xasprintf("%s%s/%s", tree.groups.root, tree.group, empty);
        cr_expect_lt(access(path, F_OK), 0, "what is empty by now is removed");
}

Test(exec_group, what_is_not_in_the_unit_is_left_alone) {
        _cleanup_tree_ Tree tree;
        _cleanup_free_ char *left = xasprintf("nspawn-exec-%d-7.scope", pid_of_nobody());

        tree_open(&tree);
        tree_make_group(&tree, left);
        exec_groups_kill_abandoned(tree.groups.root, "/nspawn.slice/nspawn-one.service", getpid());
        exec_groups_kill_abandoned(tree.groups.root, "", getpid());
        exec_groups_kill_abandoned(tree.groups.root, NULL, getpid());
        exec_groups_kill_abandoned(tree.groups.root, tree.group, pid_of_nobody());
        exec_groups_kill_abandoned(tree.groups.root, tree.group, 0);
        cr_expect_not(tree_was_killed(&tree, left));
}
