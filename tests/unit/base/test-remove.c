/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/remove.h"
#include "base/string.h"
#include "box/tree.h"

TestSuite(remove, .timeout = 30);

/* A directory to clear, and another beside it that must stay as it is. */
typedef struct Box {
        char root[32];
        char *directory;
        char *other;
} Box;

static char *path_of(const char *directory, const char *name) {
        return xasprintf("%s/%s", directory, name);
}

static void make_directory(const char *directory, const char *name) {
        _cleanup_free_ char *path = path_of(directory, name);

        cr_assert_eq(mkdir(path, 0700), 0, "%s: %s", path, strerror(errno));
}

static void make_file(const char *directory, const char *name) {
        _cleanup_free_ char *path = path_of(directory, name);

        cr_assert_eq(file_write_private(path, "x", 1), 0);
}

static bool has(const char *directory, const char *name) {
        _cleanup_free_ char *path = path_of(directory, name);
        struct stat st;

        return lstat(path, &st) == 0;
}

static void box_open(Box *box) {
        *box = (Box){ .root = "/tmp/remove-XXXXXX" };
        cr_assert_not_null(mkdtemp(box->root));
        box->directory = path_of(box->root, "directory");
        box->other = path_of(box->root, "other");
        make_directory(box->root, "directory");
        make_directory(box->root, "other");
        make_file(box->other, "kept");
}

static void box_close(Box *box) {
        cr_expect(has(box->other, "kept"));
        cr_expect_eq(tree_remove(box->root), 0, "%s", strerror(errno));
        free(box->directory);
        free(box->other);
}
#define _cleanup_box_ _cleanup_(box_close)

/* Begins a mount namespace, which ends with the test. */
static void mounts_begin(void) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                cr_skip_test("no mounts here");
}

static void mount_at(const char *directory, const char *name, const char *type, const char *source) {
        _cleanup_free_ char *path = path_of(directory, name);

        cr_assert_eq(
                mount(source, path, type, type ? 0 : MS_BIND, NULL), 0, "%s: %s", path, strerror(errno));
}

/* Makes what nspawn of systemd 262 leaves. */
static void make_leftovers(const Box *box) {
        _cleanup_free_ char *inner = path_of(box->directory, "web-1"), *mounted = NULL;

        make_file(box->directory, "task");
        make_directory(box->directory, "web-1");
        make_directory(inner, "unix-export");
        make_file(inner, "socket");
        mount_at(inner, "unix-export", "tmpfs", "tmpfs");
        mounted = path_of(inner, "unix-export");
        make_file(mounted, "of-the-container");
        mount_at(inner, "unix-export", "tmpfs", "tmpfs"); /* over the first mount */
}

Test(remove, mounts_and_directories_go_and_files_stay_for_the_next_run) {
        _cleanup_box_ Box box;

        mounts_begin();
        box_open(&box);
        make_leftovers(&box);
        directory_clear(box.directory, true);
        cr_expect(has(box.directory, "task"));
        cr_expect(!has(box.directory, "web-1"));
}

Test(remove, everything_goes_when_nobody_needs_it) {
        _cleanup_box_ Box box;

        mounts_begin();
        box_open(&box);
        make_leftovers(&box);
        make_file(box.directory, "mounted");
        _cleanup_free_ char *kept = path_of(box.other, "kept");
        mount_at(box.directory, "mounted", NULL, kept);
        directory_clear(box.directory, false);
        cr_expect_eq(rmdir(box.directory), 0, "%s", strerror(errno));
}

Test(remove, nothing_is_removed_through_links_and_mounts) {
        _cleanup_box_ Box box;
        static const bool keeps[] = { true, false };

        mounts_begin();
        box_open(&box);
        _cleanup_free_ char *link = path_of(box.directory, "link"), *bound = path_of(box.directory, "bound");
        cr_assert_eq(symlink(box.other, link), 0);
        for (size_t i = 0; i < ELEMENTSOF(keeps); i++) {
                cr_assert_eq(mkdir(bound, 0700), 0);
                mount_at(box.directory, "bound", NULL, box.other);
                directory_clear(box.directory, keeps[i]);
                cr_expect(!has(box.directory, "bound"));
                cr_expect_eq(has(box.directory, "link"), keeps[i]);
                cr_expect(has(box.other, "kept"));
        }

        /* The directory itself may be a link as well. */
        cr_assert_eq(rmdir(box.directory), 0);
        cr_assert_eq(symlink(box.other, box.directory), 0);
        directory_clear(box.directory, false);
}

Test(remove, what_is_not_there_is_no_trouble) {
        directory_clear("/no/such/directory", false);
}
