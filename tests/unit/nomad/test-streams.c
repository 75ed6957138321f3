/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "nomad/task-config.h"

TestSuite(streams, .timeout = 30);

/* An allocation with the pipes that Nomad makes. */
typedef struct Alloc {
        char directory[64];
        char *out, *err;
        Driver__TaskConfig config;
        DriverConfig driver;
        TaskStreams streams;
        Error *error;
} Alloc;

static void alloc_open(Alloc *alloc) {
        *alloc = (Alloc){ .directory = "/tmp/test-streams-XXXXXX", .streams = { -7, -7 } };
        cr_assert_not_null(mkdtemp(alloc->directory));
        alloc->out = xasprintf("%s/out", alloc->directory);
        alloc->err = xasprintf("%s/err", alloc->directory);
        cr_assert_eq(mkfifo(alloc->out, 0600), 0);
        cr_assert_eq(mkfifo(alloc->err, 0600), 0);
        driver__task_config__init(&alloc->config);
        alloc->config.alloc_dir = alloc->directory;
        alloc->config.stdout_path = alloc->out;
        alloc->config.stderr_path = alloc->err;
}

static void alloc_close(Alloc *alloc) {
        fd_close(alloc->streams.output);
        fd_close(alloc->streams.error);
        error_free(alloc->error);
        (void) unlink(alloc->out);
        (void) unlink(alloc->err);
        cr_assert_eq(rmdir(alloc->directory), 0);
        free(alloc->out);
        free(alloc->err);
}
#define _cleanup_alloc_ _cleanup_(alloc_close)

static int open_streams(Alloc *alloc) {
        return task_config_open_streams(&alloc->config, &alloc->driver, &alloc->streams, &alloc->error);
}

static void expect_open(const char *path, int fd) {
        struct stat wanted, got;

        cr_assert_eq(stat(path, &wanted), 0);
        cr_assert_eq(fstat(fd, &got), 0);
        cr_assert_eq(wanted.st_ino, got.st_ino);
        cr_assert_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
        cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        cr_assert_eq(got.st_mode & 07777, 0622, "the task's user opens /dev/stdout by name");
}

static void expect_refused(Alloc *alloc, int code, const char *part) {
        cr_assert_eq(open_streams(alloc), -code);
        cr_assert_not_null(strstr(error_message(alloc->error), part), "%s", error_message(alloc->error));
        alloc->streams = (TaskStreams){ -1, -1 };
}

Test(streams, are_opened_though_nobody_reads_yet) {
        _cleanup_alloc_ Alloc alloc;

        alloc_open(&alloc);
        cr_assert_eq(open_streams(&alloc), 0, "%s", error_message(alloc.error));
        expect_open(alloc.out, alloc.streams.output);
        expect_open(alloc.err, alloc.streams.error);
}

Test(streams, the_null_device_means_the_journal) {
        static char null[] = "/dev/null";
        _cleanup_alloc_ Alloc alloc;

        alloc_open(&alloc);
        alloc.config.stdout_path = null;
        cr_assert_eq(open_streams(&alloc), 0, "%s", error_message(alloc.error));
        cr_assert_eq(alloc.streams.output, -1);
        expect_open(alloc.err, alloc.streams.error);
        fd_close(alloc.streams.error);

        alloc.config.stderr_path = null;
        cr_assert_eq(open_streams(&alloc), 0, "%s", error_message(alloc.error));
        cr_assert_eq(alloc.streams.output, -1);
        cr_assert_eq(alloc.streams.error, -1);
}

Test(streams, no_path_means_the_journal) {
        static char none[] = "";
        _cleanup_alloc_ Alloc alloc;

        alloc_open(&alloc);
        alloc.config.stdout_path = alloc.config.stderr_path = none;
        cr_assert_eq(open_streams(&alloc), 0);
        cr_assert(alloc.streams.output == -1 && alloc.streams.error == -1);
}

Test(streams, nothing_is_opened_when_nomad_does_not_collect) {
        static char missing[] = "/does/not/exist";
        _cleanup_alloc_ Alloc alloc;

        alloc_open(&alloc);
        alloc.driver.disable_log_collection = true;
        cr_assert_eq(open_streams(&alloc), 0);
        cr_assert(alloc.streams.output == -1 && alloc.streams.error == -1);

        alloc.config.stdout_path = alloc.config.stderr_path = missing;
        cr_assert_eq(open_streams(&alloc), 0, "%s", error_message(alloc.error));
        cr_assert(alloc.streams.output == -1 && alloc.streams.error == -1);
        alloc.driver.disable_log_collection = false;
        expect_refused(&alloc, EINVAL, missing);
}

Test(streams, a_pipe_that_is_not_there_is_named) {
        _cleanup_alloc_ Alloc alloc;

        alloc_open(&alloc);
        cr_assert_eq(unlink(alloc.err), 0);
        expect_refused(&alloc, ENOENT, alloc.err);
}

Test(streams, a_pipe_outside_the_allocation_is_refused) {
        _cleanup_alloc_ Alloc alloc, other;
        _cleanup_free_ char *longer = NULL, *up = NULL;

        alloc_open(&alloc);
        alloc_open(&other);
        alloc.config.stdout_path = other.out;
        expect_refused(&alloc, EINVAL, "not in the directory of its allocation");
        error_free(alloc.error);
        alloc.error = NULL;

        /* The path begins with the directory's name, but leads to another directory. */
        alloc.config.stdout_path = longer = xasprintf("%s-other/out", alloc.directory);
        expect_refused(&alloc, EINVAL, "not in the directory of its allocation");
        error_free(alloc.error);
        alloc.error = NULL;

        alloc.config.stdout_path = up = xasprintf(
                "%s/../%s/out", alloc.directory, strrchr(other.directory, '/') + 1);
        expect_refused(&alloc, EINVAL, up);
}

Test(streams, slashes_at_the_end_of_the_directory_change_nothing) {
        _cleanup_free_ char *directory = NULL;
        _cleanup_alloc_ Alloc alloc;

        alloc_open(&alloc);
        alloc.config.alloc_dir = directory = xasprintf("%s//", alloc.directory);
        cr_assert_eq(open_streams(&alloc), 0, "%s", error_message(alloc.error));
        expect_open(alloc.out, alloc.streams.output);
        fd_close(alloc.streams.output);
        fd_close(alloc.streams.error);

        /* The path is checked in the same way. */
        cr_assert_eq(unlink(alloc.out), 0);
        cr_assert_eq(symlink(alloc.err, alloc.out), 0);
        expect_refused(&alloc, ELOOP, alloc.out);
}

Test(streams, what_is_no_pipe_is_refused) {
        _cleanup_alloc_ Alloc alloc;

        alloc_open(&alloc);
        cr_assert_eq(unlink(alloc.err), 0);
        cr_assert_eq(file_write_private(alloc.err, "x", 1), 0);
        expect_refused(&alloc, EINVAL, "neither a pipe nor /dev/null");
}

Test(streams, a_link_below_the_allocation_is_not_followed) {
        _cleanup_alloc_ Alloc alloc;

        alloc_open(&alloc);
        cr_assert_eq(unlink(alloc.out), 0);
        cr_assert_eq(symlink("/dev/null", alloc.out), 0);
        expect_refused(&alloc, ELOOP, alloc.out);
}
