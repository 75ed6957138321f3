/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/task-dir.h"
#include "box/own-name.h"
#include "engine/record-file.h"
#include "unit/task-dir.h"

unsigned own_number(void) {
        unsigned number;

        cr_assert_eq(getrandom(&number, sizeof(number), 0), (ssize_t) sizeof(number));
        return number;
}

char *own_name_new(void) {
        return xasprintf("unit-test-%08x", own_number());
}

char *own_name_free(char *name) {
        if (!name)
                return NULL;
        task_dir_remove_unit(NULL, name);
        task_dir_remove_record(NULL, name);
        free(name);
        return NULL;
}

/* The same number as in task_dir_create(). */
#define MAKE_ATTEMPTS 8

void own_directory_make(const char *root, const char *machine) {
        _cleanup_free_ char *path = task_dir_path(root, machine), *tasks = xstrdup(path);

        *strrchr(tasks, '/') = 0;
        /* Whoever removes the last task there removes the directory of all tasks with it. */
        for (int i = 0; i < MAKE_ATTEMPTS; i++) {
                (void) mkdir(task_dir_root(root), 0755);
                (void) mkdir(tasks, 0755);
                if (mkdir(path, 0700) == 0 || errno != ENOENT)
                        break;
        }
        cr_assert_eq(access(path, F_OK), 0, "%s", path);
}

void own_record_leave(const char *root, const TaskRecord *record) {
        own_directory_make(root, record->machine);
        cr_assert_eq(record_file_create(root, record), 0);
}

void own_notes_leave(const char *root, const char *machine, const char *text) {
        _cleanup_free_ char *path = task_dir_file(root, machine, TASK_NOTES_FILE);
        _cleanup_fd_ int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

        cr_assert_eq(fd_write_all(fd, text, strlen(text)), 0);
}
