/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"

/* The working directory of a test. */
static char directory[] = "/tmp/test-fd.XXXXXX";

static void enter(void) {
        cr_assert_not_null(mkdtemp(directory));
        cr_assert_eq(chdir(directory), 0);
}

static void leave(void) {
        (void) unlink("file");
        (void) rmdir("folder");
        cr_assert_eq(rmdir(directory), 0, "something was left behind");
}

TestSuite(fd, .init = enter, .fini = leave);

static void expect_file(const char *path, const char *bytes, size_t n) {
        _cleanup_free_ char *text = NULL;

        cr_assert_eq(file_read(AT_FDCWD, path, 1024 * 1024, &text), (ssize_t) n);
        cr_assert_eq(memcmp(text, bytes, n), 0);
        cr_assert_eq(text[n], 0);
}

Test(fd, close_keeps_errno_and_ignores_negative) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        errno = ENOTTY;
        cr_assert_eq(fd_close(fd), -1);
        cr_assert_eq(fd_close(-1), -1);
        cr_assert_eq(fd_close(-EINVAL), -1);
        cr_assert_eq(errno, ENOTTY);
        cr_assert_eq(fcntl(fd, F_GETFD), -1);
}

Test(fd, cleanup_closes_and_take_lets_go) {
        int copy, kept;
        {
                _cleanup_fd_ int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
                _cleanup_fd_ int b = open("/dev/null", O_RDONLY | O_CLOEXEC);

                copy = a;
                kept = TAKE_FD(b);
                cr_assert_eq(b, -1);
        }
        cr_assert_eq(fcntl(copy, F_GETFD), -1);
        cr_assert_geq(fcntl(kept, F_GETFD), 0);
        (void) fd_close(kept);
}

Test(fd, written_files_are_private_and_whole) {
        struct stat st;

        (void) umask(0);
        cr_assert_eq(file_write_private("file", "a\0b", 3), 0);
        cr_assert_eq(stat("file", &st), 0);
        cr_assert_eq(st.st_mode & 07777, 0600);
        expect_file("file", "a\0b", 3);
}

Test(fd, writing_replaces_whatever_was_there) {
        struct stat st;
        _cleanup_fd_ int fd = open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        cr_assert_eq(file_write_private("file", "new", 3), 0);
        cr_assert_eq(stat("file", &st), 0);
        cr_assert_eq(st.st_mode & 07777, 0600);
        cr_assert_eq(file_write_private("file", "", 0), 0);
        expect_file("file", "", 0);
}

Test(fd, a_leftover_or_planted_link_is_not_followed) {
        cr_assert_eq(symlink("folder/target", "file.tmp"), 0);
        cr_assert_eq(file_write_private("file", "x", 1), 0);
        expect_file("file", "x", 1);
}

Test(fd, a_write_that_fails_leaves_nothing) {
        cr_assert_eq(file_write_private("none/file", "x", 1), -ENOENT);

        /* A file cannot replace a directory. */
        cr_assert_eq(mkdir("folder", 0700), 0);
        cr_assert_eq(file_write_private("folder", "x", 1), -EISDIR);
        cr_assert_eq(access("folder.tmp", F_OK), -1);
}

Test(fd, reading_respects_the_limit) {
        char bytes[10000];
        char *text = NULL;

        memset(bytes, 'x', sizeof(bytes));
        cr_assert_eq(file_write_private("file", bytes, sizeof(bytes)), 0);
        cr_assert_eq(file_read(AT_FDCWD, "file", sizeof(bytes) - 1, &text), -E2BIG);
        cr_assert_eq(file_read(AT_FDCWD, "file", 0, &text), -E2BIG);
        cr_assert_eq(file_read(AT_FDCWD, "/dev/zero", 100000, &text), -E2BIG);
        cr_assert_null(text);
        cr_assert_eq(file_read(AT_FDCWD, "file", sizeof(bytes), &text), sizeof(bytes));
        free(text);

        cr_assert_eq(file_write_private("file", "", 0), 0);
        cr_assert_eq(file_read(AT_FDCWD, "file", 0, &text), 0);
        cr_assert_str_eq(text, "");
        free(text);
}

Test(fd, reading_is_relative_to_the_folder) {
        _cleanup_fd_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;

        cr_assert_eq(file_write_private("file", "x", 1), 0);
        cr_assert_eq(chdir("/"), 0);
        cr_assert_eq(file_read(fd, "file", 1, &text), 1);
        cr_assert_eq(fchdir(fd), 0);
}

Test(fd, reading_fails_with_the_reason) {
        char *text = NULL;

        cr_assert_eq(file_read(AT_FDCWD, "none", 10, &text), -ENOENT);
        cr_assert_eq(file_read(AT_FDCWD, "/", 10, &text), -EISDIR);
        cr_assert_eq(file_read(-1, "file", 10, &text), -EBADF);
        cr_assert_null(text);
}

Test(fd, write_all_survives_a_small_pipe) {
        int fds[2];
        static char bytes[300000];
        size_t n = 0;

        cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
        pid_t pid = fork();
        if (pid == 0) {
                close(fds[0]);
                _exit(fd_write_all(fds[1], bytes, sizeof(bytes)) == 0 ? 0 : 1);
        }
        close(fds[1]);
        for (ssize_t k; (k = read(fds[0], bytes, 1000)) > 0;)
                n += (size_t) k;
        close(fds[0]);
        cr_assert_eq(n, sizeof(bytes));
        cr_assert_eq(fd_write_all(-1, "x", 1), -EBADF);
        cr_assert_eq(fd_write_all(-1, NULL, 0), 0);
}

/* ---- fd_open_again() ---- */

/* Opens @fd again. Return: whether O_NONBLOCK is set for the new descriptor only. */
static bool opened_anew(int fd, int flags) {
        _cleanup_fd_ int again = fd_open_again(fd, flags);
        int before = fcntl(fd, F_GETFL);

        cr_assert_gt(again, 2);
        cr_expect_eq(fcntl(again, F_GETFD), FD_CLOEXEC);
        cr_assert_geq(before, 0);
        cr_expect_eq(before & O_NONBLOCK, 0);
        return (fcntl(again, F_GETFL) & O_NONBLOCK) != 0;
}

Test(fd, a_terminal_and_a_pipe_to_write_to_get_flags_of_their_own) {
        int pipe_fds[2], master, slave;

        cr_assert_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
        cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
        cr_expect(opened_anew(pipe_fds[1], O_WRONLY));
        cr_expect(opened_anew(slave, O_WRONLY));
        cr_expect(opened_anew(slave, O_RDONLY));
        for (size_t i = 0; i < 2; i++)
                close(pipe_fds[i]);
        close(slave);
        close(master);
}

Test(fd, anything_else_stays_what_it_is) {
        int pipe_fds[2], sockets[2];
        _cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        _cleanup_fd_ int file = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        cr_assert_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
        cr_expect_not(opened_anew(pipe_fds[0], O_RDONLY));
        cr_expect_not(opened_anew(sockets[0], O_WRONLY));
        cr_expect_not(opened_anew(null, O_WRONLY));
        cr_expect_eq(fd_open_again(-1, O_RDONLY), -EBADF);

        /* Both descriptors share one position, so that the next writer does not overwrite. */
        _cleanup_fd_ int again = fd_open_again(file, O_WRONLY);
        cr_assert_eq(write(again, "one", 3), 3);
        cr_expect_eq(lseek(file, 0, SEEK_CUR), 3);
        for (size_t i = 0; i < 2; i++) {
                close(pipe_fds[i]);
                close(sockets[i]);
        }
}

Test(fd, a_named_pipe_without_readers_can_still_be_had) {
        cr_assert_eq(mkfifo("file", 0600), 0);
        _cleanup_fd_ int reader = open("file", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        _cleanup_fd_ int writer = open("file", O_WRONLY | O_CLOEXEC);

        reader = fd_close(reader);
        _cleanup_fd_ int again = fd_open_again(writer, O_WRONLY);
        cr_assert_geq(again, 0);
}
