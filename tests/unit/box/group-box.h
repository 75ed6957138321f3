/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/tree.h"

/* A tree that looks like that of control groups, with plain files, in a directory of the test's own. */
#define GROUP "/test.slice/nspawn-one.service"

typedef struct Groups {
        char root[32];
} Groups;

static inline char *groups_path(const Groups *groups, const char *name) {
        return xasprintf("%s" GROUP "%s%s", groups->root, name ? "/" : "", name ? name : "");
}

static inline void groups_make(const Groups *groups) {
        _cleanup_free_ char *slice = xasprintf("%s/test.slice", groups->root);
        _cleanup_free_ char *path = groups_path(groups, NULL);

        (void) mkdir(slice, 0755);
        cr_assert_eq(mkdir(path, 0755), 0);
}

static inline void groups_remove(const Groups *groups) {
        _cleanup_free_ char *path = groups_path(groups, NULL);

        cr_assert_eq(tree_remove(path), 0);
}

static inline void groups_open(Groups *groups) {
        (void) strcpy(groups->root, "/tmp/test-groups-XXXXXX");
        cr_assert_not_null(mkdtemp(groups->root));
        groups_make(groups);
}

static inline void groups_close(Groups *groups) {
        (void) tree_remove(groups->root);
}
#define _cleanup_groups_ _cleanup_(groups_close)

/* Writes as the kernel's files are written: at once, into the file that is there. */
static inline void groups_write(const Groups *groups, const char *name, const char *text) {
        _cleanup_free_ char *path = groups_path(groups, name);
        _cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        cr_assert_geq(fd, 0, "%s", path);
        cr_assert_eq(ftruncate(fd, 0), 0);
        cr_assert_eq(fd_write_all(fd, text, strlen(text)), 0);
}
