/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/task-dir.h"
#include "engine/record-file.h"
#include "unit/task-dir.h"

/* Far larger than any record and notes. */
#define RECORD_MAX 65536

int record_file_create(const char *root, const TaskRecord *record) {
        _cleanup_free_ char *path = task_dir_file(root, record->machine, TASK_RECORD_FILE),
                            *notes = task_dir_file(root, record->machine, TASK_NOTES_FILE),
                            *next = task_dir_file(root, record->machine, TASK_NEXT_NOTES_FILE),
                            *old = task_dir_old_ledger(root, record->machine),
                            *text = task_record_write(record);

        const char *const gone[] = { path, notes, next, old };

        for (size_t i = 0; i < ELEMENTSOF(gone); i++)
                if (unlink(gone[i]) < 0 && errno != ENOENT)
                        return -errno;
        return file_write_private(path, text, strlen(text));
}

bool record_file_is_of(const char *root, const char *machine, const char *id, RunEnd *ret_end) {
        _cleanup_task_record_ TaskRecord record = {};

        return record_file_read(root, machine, &record, ret_end) >= 0 && streq_null(record.id, id);
}

/* Return: 0; -EBADMSG for the record of another container; or another negative errno. */
static int parse_record(const char *machine, const char *text, size_t n, TaskRecord *ret) {
        _cleanup_task_record_ TaskRecord record = {};
        int r = task_record_read(text, n, &record, NULL);

        if (r >= 0 && !streq(record.machine, machine))
                r = -EBADMSG;
        if (r >= 0 && ret) {
                *ret = record;
                record = (TaskRecord){};
        }
        return r;
}

/* Return: as record_file_read(). */
static int read_old(const char *root, const char *machine, TaskRecord *ret_record, RunEnd *ret_end) {
        _cleanup_free_ char *path = task_dir_old_ledger(root, machine), *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, RECORD_MAX, &text);
        const char *newline = n > 0 ? strchr(text, '\n') : NULL;

        if (n < 0)
                return (int) n;
        if (!newline)
                return -EBADMSG;

        int r = parse_record(machine, text, (size_t) (newline - text), ret_record);
        if (r >= 0 && ret_end)
                run_end_parse(newline + 1, ret_end);
        return r;
}

static void read_notes(const char *root, const char *machine, RunEnds *ret) {
        _cleanup_free_ char *path = task_dir_file(root, machine, TASK_NOTES_FILE), *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, TASK_NOTES_MAX, &text);

        run_ends_parse(n < 0 ? "" : text, ret);
}

static int read_new(const char *root, const char *machine, TaskRecord *ret_record, RunEnd *ret_end) {
        _cleanup_free_ char *path = task_dir_file(root, machine, TASK_RECORD_FILE), *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, RECORD_MAX, &text);
        int r = n < 0 ? (int) n : parse_record(machine, text, (size_t) n, ret_record);

        if (r >= 0 && ret_end) {
                RunEnds ends;

                read_notes(root, machine, &ends);
                *ret_end = ends.last;
        }
        return r;
}

int record_file_read(const char *root, const char *machine, TaskRecord *ret_record, RunEnd *ret_end) {
        int r = read_new(root, machine, ret_record, ret_end);

        return r == -ENOENT ? read_old(root, machine, ret_record, ret_end) : r;
}

bool record_file_read_runs(const char *root, const char *machine, const char *id, RunEnds *ret) {
        RunEnd last = {};

        *ret = (RunEnds){};
        if (!record_file_is_of(root, machine, id, &last))
                return false;

        read_notes(root, machine, ret);
        ret->last = last;
        return true;
}

typedef struct Search {
        const char *root;
        const char *directory; /* below @root */
        int (*read)(const char *root, const char *machine, TaskRecord *ret_record, RunEnd *ret_end);
        RecordMatch match;
        void *userdata;
} Search;

/*
 * Return: whether a record could not be read for a reason that has nothing to do with the record. A record
 * that is gone meanwhile, or that is invalid, is ignored.
 */
static bool is_passing(int error) {
        return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -EIO;
}

/*
 * Return: 0 when @match accepted a record; -ENOENT when all records were read and none was accepted; or
 * another negative errno.
 */
static int search(const Search *search, TaskRecord *ret) {
        _cleanup_free_ char *path = xasprintf("%s/%s", task_dir_root(search->root), search->directory);
        DIR *directory = opendir(path);
        const struct dirent *entry;
        int r = -ENOENT;

        if (!directory)
                return -errno;

        while (r < 0 && (entry = readdir(directory))) {
                _cleanup_task_record_ TaskRecord record = {};

                if (*entry->d_name == '.')
                        continue;
                int error = search->read(search->root, entry->d_name, &record, NULL);
                if (is_passing(error))
                        r = error;
                if (error < 0 || !record.id || !search->match(search->userdata, &record))
                        continue;
                task_record_copy(ret, &record);
                r = 0;
        }

        (void) closedir(directory);
        return r;
}

int record_file_search(const char *root, RecordMatch match, void *userdata, TaskRecord *ret) {
        const Search ways[] = {
                { root, TASKS_DIRECTORY, read_new, match, userdata },
                { root, OLD_LEDGERS_DIRECTORY, read_old, match, userdata },
        };
        int r = -ENOENT;

        for (size_t i = 0; i < ELEMENTSOF(ways) && r < 0; i++) {
                int found = search(&ways[i], ret);

                if (found != -ENOENT)
                        r = found;
        }
        return r;
}

static bool has_id(void *userdata, const TaskRecord *record) {
        return streq(record->id, userdata);
}

int record_file_find(const char *root, const char *id, TaskRecord *ret) {
        return record_file_search(root, has_id, (void *) (uintptr_t) id, ret);
}
