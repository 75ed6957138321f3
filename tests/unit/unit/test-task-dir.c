/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/task-dir.h"
#include "box/tree.h"
#include "unit/task-dir.h"

TestSuite(task_dir, .timeout = 30);

/* The runtime directory of a test. */
typedef char RuntimeRoot[sizeof("/tmp/task-dir-XXXXXX")];

static void root_open(RuntimeRoot root) {
        (void) strcpy(root, "/tmp/task-dir-XXXXXX");
        cr_assert_not_null(mkdtemp(root));
}

static void write_file(const char *root, const char *name) {
        _cleanup_free_ char *path = xasprintf("%s/%s", root, name);

        cr_assert_eq(file_write_private(path, "x", 1), 0);
}

static void make_directory(const char *root, const char *name) {
        _cleanup_free_ char *path = xasprintf("%s/%s", root, name);

        cr_assert_eq(mkdir(path, 0700), 0);
}

static bool is_there(const char *root, const char *name) {
        _cleanup_free_ char *path = xasprintf("%s/%s", root, name);

        return access(path, F_OK) == 0;
}

Test(task_dir, a_name_is_taken_until_what_goes_with_the_unit_is_removed) {
        RuntimeRoot root;
        struct stat st;

        root_open(root);
        cr_assert_eq(task_dir_create(root, "web"), 0);
        cr_assert_eq(task_dir_create(root, "web"), -EEXIST);
        _cleanup_free_ char *path = task_dir_path(root, "web"), *unit = task_dir_unit_path(root, "web");
        cr_assert(stat(path, &st) == 0 && (st.st_mode & 07777) == 0700);
        cr_assert(stat(unit, &st) == 0 && (st.st_mode & 07777) == 0700);
        cr_assert(task_dir_is_live(root, "web"));
        write_file(root, "tasks/web/record");
        write_file(root, "tasks/web/unit/secrets");

        task_dir_remove_unit(root, "web");
        cr_expect_not(task_dir_is_live(root, "web"));
        cr_expect(is_there(root, "tasks/web/record"), "the record must outlive the unit");
        cr_assert_eq(task_dir_create(root, "web"), 0);
        task_dir_remove_unit(root, "web");
        task_dir_remove_record(root, "web");
        cr_expect_not(is_there(root, "tasks"), "the directory must go with the last task");
        cr_assert_eq(rmdir(root), 0);
}

/* The names are those of files and directories of the driver, of older drivers and of tasks. */
Test(task_dir, no_name_of_a_task_meets_another_directory) {
        static const char *const names[] = { "plugin", "tasks", "init", "unit", "record", "notes", "secrets",
                "arguments", "cgroup", "ledgers", "task" };
        RuntimeRoot root;

        root_open(root);
        make_directory(root, "plugin");
        write_file(root, "plugin/node-1");
        make_directory(root, ".ledgers");
        write_file(root, ".ledgers/other");
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                cr_expect_eq(task_dir_create(root, names[i]), 0, "%s", names[i]);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                cr_expect(task_dir_is_live(root, names[i]), "%s", names[i]);
                task_dir_remove_unit(root, names[i]);
                task_dir_remove_record(root, names[i]);
        }
        cr_expect(is_there(root, "plugin/node-1"));
        cr_expect(is_there(root, ".ledgers/other"));
        cr_expect_not(is_there(root, "tasks"));
        tree_remove(root);
}

Test(task_dir, a_task_of_version_0_1_0_is_found_is_in_the_way_and_is_removed) {
        static const struct {
                const char *name, *path;
        } rows[] = {
                { "", "web" },
                { TASK_SECRETS_FILE, "web/task" },
                { TASK_ARGUMENTS_FILE, "web/arguments" },
                { TASK_STOPPING_FILE, "web/stopping" },
                { "attach", "web/attach" },
        };
        RuntimeRoot root;

        root_open(root);
        make_directory(root, "web");
        write_file(root, "web/task");
        write_file(root, "web/arguments");
        make_directory(root, ".ledgers");
        write_file(root, ".ledgers/web");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *found = task_dir_find(root, "web", rows[i].name),
                                    *wanted = xasprintf("%s/%s", root, rows[i].path);
                cr_expect_str_eq(found, wanted);
        }
        cr_expect(task_dir_is_live(root, "web"));
        cr_expect_eq(task_dir_create(root, "web"), -EEXIST);

        task_dir_remove_unit(root, "web");
        task_dir_remove_record(root, "web");
        cr_expect_not(task_dir_is_live(root, "web"));
        cr_expect_eq(rmdir(root), 0, "something is left");
}

Test(task_dir, an_old_task_in_the_place_of_all_new_ones_is_told_of_and_kept) {
        RuntimeRoot root;

        root_open(root);
        make_directory(root, "tasks");
        write_file(root, "tasks/task");
        cr_expect_eq(task_dir_create(root, "web"), -EBUSY);
        cr_expect_eq(task_dir_create(root, "tasks"), -EEXIST);
        cr_expect(is_there(root, "tasks/task"));
        tree_remove(root);
}
