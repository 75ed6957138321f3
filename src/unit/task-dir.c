/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hold.h"
#include "base/program.h"
#include "base/remove.h"
#include "base/string.h"
#include "base/task-dir.h"
#include "task/name.h"
#include "unit/task-dir.h"

/* How often to try: another process may just have removed an empty directory on the way. */
#define CREATE_ATTEMPTS 8

const char *task_dir_root(const char *root) {
        return root ? root : RUNTIME_DIRECTORY;
}

char *task_dir_path(const char *root, const char *machine) {
        return xasprintf("%s/" TASKS_DIRECTORY "/%s", task_dir_root(root), machine);
}

char *task_dir_file(const char *root, const char *machine, const char *name) {
        return xasprintf("%s/" TASKS_DIRECTORY "/%s/%s", task_dir_root(root), machine, name);
}

char *task_dir_unit_path(const char *root, const char *machine) {
        return task_dir_file(root, machine, TASK_UNIT_DIRECTORY);
}

char *task_dir_unit_file(const char *root, const char *machine, const char *name) {
        return xasprintf(
                "%s/" TASKS_DIRECTORY "/%s/" TASK_UNIT_DIRECTORY "/%s", task_dir_root(root), machine, name);
}

char *task_dir_old_ledger(const char *root, const char *machine) {
        return xasprintf("%s/" OLD_LEDGERS_DIRECTORY "/%s", task_dir_root(root), machine);
}

static bool is_file(const char *path) {
        struct stat st;

        return lstat(path, &st) >= 0 && S_ISREG(st.st_mode);
}

/*
 * Finds the directory of a task of version 0.1.0. It has the name of the task, and contains the secrets or
 * the arguments as files. Another directory of ours may have the same name, but has no such files.
 *
 * Return: the directory, owned by the caller; NULL when there is none.
 */
static char *find_old(const char *root, const char *machine) {
        _cleanup_free_ char *directory = xasprintf("%s/%s", task_dir_root(root), machine);
        _cleanup_free_ char *secrets = xasprintf("%s/" OLD_SECRETS_FILE, directory),
                            *arguments = xasprintf("%s/" TASK_ARGUMENTS_FILE, directory);

        return is_file(secrets) || is_file(arguments) ? TAKE_PTR(directory) : NULL;
}

char *task_dir_find(const char *root, const char *machine, const char *name) {
        _cleanup_free_ char *path = task_dir_unit_path(root, machine), *old = NULL;

        if (access(path, F_OK) < 0)
                old = find_old(root, machine);
        if (!old)
                return *name ? xasprintf("%s/%s", path, name) : TAKE_PTR(path);
        return *name ? xasprintf("%s/%s", old, streq(name, TASK_SECRETS_FILE) ? OLD_SECRETS_FILE : name)
                     : TAKE_PTR(old);
}

bool task_dir_is_live(const char *root, const char *machine) {
        _cleanup_free_ char *path = task_dir_find(root, machine, "");

        return access(path, F_OK) >= 0;
}

/* Makes a directory. Return: 0 also when it exists already; or a negative errno. */
static int make(const char *path, mode_t mode) {
        return mkdir(path, mode) < 0 && errno != EEXIST ? -errno : 0;
}

static int create(const char *root, const char *path, const char *unit) {
        _cleanup_free_ char *tasks = xasprintf("%s/" TASKS_DIRECTORY, root);
        int r = make(root, 0755);

        if (r >= 0)
                r = make(tasks, 0755);
        if (r >= 0)
                r = make(path, 0700);
        if (r >= 0 && mkdir(unit, 0700) < 0)
                r = -errno;
        return r;
}

int task_dir_create(const char *root, const char *machine) {
        _cleanup_free_ char *path = task_dir_path(root, machine), *unit = task_dir_unit_path(root, machine),
                            *old = find_old(root, machine), *in_the_way = find_old(root, TASKS_DIRECTORY);
        int r = -ENOENT;

        if (old)
                return -EEXIST;
        if (in_the_way)
                return -EBUSY;
        for (int i = 0; i < CREATE_ATTEMPTS && r == -ENOENT; i++)
                r = create(task_dir_root(root), path, unit);
        return r;
}

int task_dir_write_holds(const char *root, const char *machine) {
        _cleanup_free_ char *unit = unit_name_make(machine);
        const char *const names[_HOLD_KIND_MAX] = {
                [HOLD_CONTAINER] = machine,
                [HOLD_MACHINE] = machine,
                [HOLD_JOURNAL_FIELDS] = unit,
        };
        _cleanup_free_ char *path = task_dir_file(root, machine, TASK_HOLDS_FILE);
        _cleanup_string_buffer_ StringBuffer text = {};

        for (HoldKind kind = 0; kind < _HOLD_KIND_MAX; kind++)
                string_buffer_append(&text, HOLD_LINE, hold_kind_name(kind), names[kind]);
        return file_write_private(path, text.text, text.length);
}

void task_dir_release_holds(const char *root, const char *machine, unsigned kinds) {
        _cleanup_free_ char *path = task_dir_file(root, machine, TASK_HOLDS_FILE);

        (void) holds_release_any_version(path, machine, kinds);
        if (kinds == HOLDS_ALL)
                (void) unlink(path);
}

static void remove_all(const char *path) {
        directory_clear(path, false);
        (void) rmdir(path);
}

/* Removes the directory of a task if it is empty, and then that of all tasks if it is empty too. */
static void remove_empty(const char *root, const char *path) {
        _cleanup_free_ char *tasks = xasprintf("%s/" TASKS_DIRECTORY, task_dir_root(root));

        if (rmdir(path) >= 0)
                (void) rmdir(tasks);
}

void task_dir_remove_unit(const char *root, const char *machine) {
        _cleanup_free_ char *path = task_dir_path(root, machine), *unit = task_dir_unit_path(root, machine),
                            *old = find_old(root, machine);

        if (old)
                remove_all(old);
        remove_all(unit);
        remove_empty(root, path);
}

void task_dir_remove_record(const char *root, const char *machine) {
        _cleanup_free_ char *path = task_dir_path(root, machine),
                            *record = task_dir_file(root, machine, TASK_RECORD_FILE),
                            *notes = task_dir_file(root, machine, TASK_NOTES_FILE),
                            *next = task_dir_file(root, machine, TASK_NEXT_NOTES_FILE),
                            *holds = task_dir_file(root, machine, TASK_HOLDS_FILE),
                            *old = task_dir_old_ledger(root, machine),
                            *ledgers = xasprintf("%s/" OLD_LEDGERS_DIRECTORY, task_dir_root(root));

        (void) unlink(notes);
        (void) unlink(next);
        (void) unlink(holds);
        (void) unlink(record);
        (void) unlink(old);
        (void) rmdir(ledgers);
        remove_empty(root, path);
}
