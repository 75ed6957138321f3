/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/fake-systemd.h"
#include "loop/writer.h"

TestSuite(writer, .timeout = 60);

#define SIZE 300000

typedef struct Box {
        sd_event *event;
        Writer *writer;
        int theirs; /* the other side */
        unsigned n_drained;
        int error;
        char sent[SIZE];
        StringBuffer seen;
} Box;

static void on_drained(void *userdata, int error) {
        Box *box = userdata;

        box->n_drained++;
        box->error = error;
}

static Box *box_new(int ours, int theirs) {
        Box *box = xnew(Box, 1);

        (void) signal(SIGPIPE, SIG_IGN);
        for (size_t i = 0; i < SIZE; i++)
                box->sent[i] = (char) (i * 7 + i / 251);
        cr_assert_geq(sd_event_new(&box->event), 0);
        box->theirs = theirs;
        box->writer = writer_new(box->event, on_drained, box);
        cr_assert_eq(writer_open(box->writer, ours), 0);
        return box;
}

static void box_free(Box *box) {
        writer_free(box->writer);
        fd_close(box->theirs);
        sd_event_unref(box->event);
        string_buffer_clear(&box->seen);
        free(box);
}

static void box_turn(Box *box) {
        cr_assert_geq(sd_event_run(box->event, 0), 0);
}

/* Return: whether there was something to read. */
static bool box_read(Box *box) {
        char chunk[5000];
        ssize_t n = read(box->theirs, chunk, sizeof(chunk));

        if (n > 0)
                string_buffer_append_bytes(&box->seen, chunk, (size_t) n);
        return n > 0;
}

static void expect_whole(const Box *box) {
        cr_assert_eq(box->seen.length, SIZE, "%zu", box->seen.length);
        cr_assert_eq(memcmp(box->seen.text, box->sent, SIZE), 0);
}

static Box *box_on_pipe(void) {
        int fds[2];

        cr_assert_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
        return box_new(fds[1], fds[0]);
}

/* A socket without O_NONBLOCK, like one that other processes have open as well. */
static Box *box_on_socket(void) {
        int fds[2];

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        cr_assert_eq(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
        return box_new(fds[0], fds[1]);
}

static Box *(*const kinds[])(void) = { box_on_pipe, box_on_socket };

Test(writer, what_does_not_go_waits_and_comes_in_order) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                Box *box = kinds[i]();

                for (size_t at = 0; at < SIZE; at += SIZE / 10)
                        writer_write(box->writer, box->sent + at, SIZE / 10);
                /* Nobody reads: the writer does not block, and calls nothing back. */
                for (int turn = 0; turn < 5; turn++)
                        box_turn(box);
                cr_expect_eq(box->n_drained, 0);
                cr_expect_gt(writer_pending(box->writer), 0);

                RUN_UNTIL(box->event, !box_read(box) && box->n_drained > 0);
                expect_whole(box);
                cr_expect_eq(box->error, 0);
                cr_expect_not(writer_has_failed(box->writer));
                cr_expect_eq(writer_pending(box->writer), 0);
                box_free(box);
        }
}

Test(writer, a_reader_that_goes_is_told_once_and_the_rest_is_dropped) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                Box *box = kinds[i]();

                box->theirs = fd_close(box->theirs);
                writer_write(box->writer, "x", 1);
                RUN_UNTIL(box->event, box->n_drained > 0);
                cr_expect_eq(box->error, -EPIPE, "%d", box->error);
                cr_expect(writer_has_failed(box->writer));
                writer_write(box->writer, "x", 1);
                cr_expect_eq(writer_pending(box->writer), 0);
                box_turn(box);
                cr_expect_eq(box->n_drained, 1);
                box_free(box);
        }
}

Test(writer, a_socket_raises_no_signal) {
        Box *box = box_on_socket();

        (void) signal(SIGPIPE, SIG_DFL);
        box->theirs = fd_close(box->theirs);
        writer_write(box->writer, "x", 1);
        RUN_UNTIL(box->event, box->n_drained > 0);
        cr_expect_eq(box->error, -EPIPE);
        box_free(box);
}

/* epoll does not support such descriptors. */
Test(writer, regular_files_and_dev_null_are_written_too) {
        char path[] = "/tmp/test-writer.XXXXXX";
        int fd = mkostemp(path, O_CLOEXEC);
        Box *box = box_new(fd, open(path, O_RDONLY | O_CLOEXEC));

        cr_assert_eq(unlink(path), 0);
        writer_write(box->writer, box->sent, SIZE);
        cr_expect_eq(box->n_drained, 0, "a callback from within the call");
        RUN_UNTIL(box->event, box->n_drained > 0);
        while (box_read(box))
                ;
        expect_whole(box);

        /* Then the writer is idle. */
        for (int turn = 0; turn < 5; turn++)
                box_turn(box);
        cr_expect_eq(box->n_drained, 1);
        box_free(box);

        box = box_new(open("/dev/null", O_WRONLY | O_CLOEXEC), -1);
        writer_write(box->writer, box->sent, SIZE);
        RUN_UNTIL(box->event, box->n_drained > 0);
        cr_expect_eq(box->error, 0);
        box_free(box);
}

Test(writer, a_full_disk_is_told) {
        Box *box = box_new(open("/dev/full", O_WRONLY | O_CLOEXEC), -1);

        writer_write(box->writer, "x", 1);
        RUN_UNTIL(box->event, box->n_drained > 0);
        cr_expect_eq(box->error, -ENOSPC);
        box_free(box);
}

Test(writer, is_closed_behind_what_was_given) {
        Box *box = box_on_pipe();
        char byte;

        writer_write(box->writer, box->sent, SIZE);
        writer_close(box->writer);
        RUN_UNTIL(box->event, !box_read(box) && box->n_drained > 0);
        expect_whole(box);
        cr_expect_eq(read(box->theirs, &byte, 1), 0, "the end of the file");
        cr_expect_eq(writer_fd(box->writer), -1);
        box_free(box);
}
