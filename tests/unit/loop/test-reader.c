/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/fake-systemd.h"
#include "loop/reader.h"

TestSuite(reader, .timeout = 60);

typedef struct Box {
        sd_event *event;
        Reader *reader;
        int theirs;
        StringBuffer seen;
        unsigned n_ended;
        int error;
        bool free_in_data;
} Box;

static void on_data(void *userdata, const void *bytes, size_t n) {
        Box *box = userdata;

        cr_assert_gt(n, 0);
        cr_assert_eq(box->n_ended, 0);
        string_buffer_append_bytes(&box->seen, bytes, n);
        if (box->free_in_data)
                box->reader = reader_free(box->reader);
}

static void on_end(void *userdata, int error) {
        Box *box = userdata;

        box->n_ended++;
        box->error = error;
        cr_assert(reader_has_ended(box->reader));
}

static const ReaderCallbacks callbacks = { on_data, on_end };

static void box_open_in(Box *box, sd_event *event, int ours, int theirs) {
        *box = (Box){ .event = sd_event_ref(event), .theirs = theirs };
        cr_assert_eq(reader_new(box->event, ours, &callbacks, box, &box->reader), 0);
}

static void box_open(Box *box, int ours, int theirs) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;

        cr_assert_geq(sd_event_new(&event), 0);
        box_open_in(box, event, ours, theirs);
}

static void box_open_pipe_in(Box *box, sd_event *event) {
        int fds[2];

        cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
        box_open_in(box, event, fds[0], fds[1]);
}

static void box_open_pipe(Box *box) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;

        cr_assert_geq(sd_event_new(&event), 0);
        box_open_pipe_in(box, event);
}

static void box_close(Box *box) {
        reader_free(box->reader);
        fd_close(box->theirs);
        sd_event_unref(box->event);
        string_buffer_clear(&box->seen);
}
#define _cleanup_box_ _cleanup_(box_close)

static void box_put(Box *box, const char *text) {
        cr_assert_eq(fd_write_all(box->theirs, text, strlen(text)), 0);
}

static void box_turns(Box *box) {
        for (int turn = 0; turn < 5; turn++)
                cr_assert_geq(sd_event_run(box->event, 0), 0);
}

Test(reader, what_comes_is_told_and_then_the_end) {
        _cleanup_box_ Box box;

        box_open_pipe(&box);
        box_turns(&box);
        cr_assert_eq(box.seen.length, 0);
        box_put(&box, "one");
        RUN_UNTIL(box.event, box.seen.length == 3);
        box_put(&box, "two");
        box.theirs = fd_close(box.theirs);
        RUN_UNTIL(box.event, box.n_ended > 0);
        cr_expect_str_eq(box.seen.text, "onetwo");
        cr_expect_eq(box.error, 0);
        box_turns(&box);
        cr_expect_eq(box.n_ended, 1);
}

Test(reader, leaves_the_bytes_where_they_are_while_it_is_off) {
        _cleanup_box_ Box box;

        box_open_pipe(&box);
        reader_set_enabled(box.reader, false);
        box_put(&box, "one");
        box.theirs = fd_close(box.theirs);
        box_turns(&box);
        cr_assert_eq(box.seen.length, 0);
        cr_assert_eq(box.n_ended, 0);
        reader_set_enabled(box.reader, true);
        RUN_UNTIL(box.event, box.n_ended > 0);
        cr_expect_str_eq(box.seen.text, "one");
}

Test(reader, may_be_freed_when_it_tells_something) {
        _cleanup_box_ Box box;

        box_open_pipe(&box);
        box.free_in_data = true;
        box_put(&box, "one");
        RUN_UNTIL(box.event, !box.reader);
        box_turns(&box);
        cr_expect_eq(box.n_ended, 0);
}

/* epoll does not support such descriptors. */
Test(reader, regular_files_and_dev_null_are_read_to_their_end) {
        _cleanup_box_ Box box;
        char path[] = "/tmp/test-reader.XXXXXX";
        static char bytes[3 * READER_CHUNK + 17];
        int fd = mkostemp(path, O_CLOEXEC);

        memset(bytes, 'x', sizeof(bytes));
        cr_assert_eq(fd_write_all(fd, bytes, sizeof(bytes)), 0);
        cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
        cr_assert_eq(unlink(path), 0);
        box_open(&box, fd, -1);
        reader_set_enabled(box.reader, false);
        box_turns(&box);
        cr_assert_eq(box.seen.length, 0);
        reader_set_enabled(box.reader, true);
        RUN_UNTIL(box.event, box.n_ended > 0);
        cr_expect_eq(box.seen.length, sizeof(bytes));

        _cleanup_box_ Box null;
        box_open(&null, open("/dev/null", O_RDONLY | O_CLOEXEC), -1);
        RUN_UNTIL(null.event, null.n_ended > 0);
        cr_expect_eq(null.error, 0);
        cr_expect_eq(null.seen.length, 0);
}

Test(reader, the_end_of_a_terminal_is_no_error) {
        _cleanup_box_ Box box;
        int master, slave;

        cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
        box_open(&box, master, slave);
        box_put(&box, "x");
        RUN_UNTIL(box.event, box.seen.length > 0);
        box.theirs = fd_close(box.theirs);
        RUN_UNTIL(box.event, box.n_ended > 0);
        cr_expect_eq(box.error, 0, "%d", box.error);
}

Test(reader, what_cannot_be_read_ends_with_the_reason) {
        _cleanup_box_ Box box;

        box_open(&box, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), -1);
        RUN_UNTIL(box.event, box.n_ended > 0);
        cr_expect_eq(box.error, -EISDIR);
}

Test(reader, finishing_reads_what_is_there_and_waits_for_nobody) {
        _cleanup_box_ Box box;

        box_open_pipe(&box);
        reader_set_enabled(box.reader, false);
        box_put(&box, "one");
        reader_finish(box.reader);
        reader_set_enabled(box.reader, true);
        RUN_UNTIL(box.event, box.n_ended > 0);
        cr_expect_str_eq(box.seen.text, "one");
        box_put(&box, "more");
        box_turns(&box);
        cr_expect_eq(box.seen.length, 3);
}

/* ---- fairness ---- */

#define TURNS 50

Test(reader, one_that_is_always_ready_leaves_others_their_turns) {
        _cleanup_box_ Box zero, flood, other;

        box_open(&zero, open("/dev/zero", O_RDONLY | O_CLOEXEC), -1);
        box_open_pipe_in(&flood, zero.event);
        box_open_pipe_in(&other, zero.event);
        box_put(&other, "x");
        for (int turn = 0; turn < TURNS; turn++) {
                box_put(&flood, "x");
                cr_assert_geq(sd_event_run(zero.event, 0), 0);
        }
        cr_expect_eq(other.seen.length, 1);
        cr_expect_gt(flood.seen.length, TURNS / 4);
        cr_expect_gt(zero.seen.length, TURNS / 4 * READER_CHUNK);
}

static int on_prepare(sd_event_source *source, void *userdata _unused_) {
        return sd_event_source_set_time(source, 1);
}

static int on_time(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        ++*(unsigned *) userdata;
        return 0;
}

/* sd-bus of systemd 252 has such a timer. */
Test(reader, one_that_is_always_ready_leaves_its_turn_to_a_timer_that_is_set_anew_in_each) {
        _cleanup_(sd_event_source_disable_unrefp) sd_event_source *timer = NULL;
        _cleanup_box_ Box flood;
        unsigned n_times = 0;

        box_open_pipe(&flood);
        cr_assert_geq(sd_event_add_time(flood.event, &timer, CLOCK_MONOTONIC, 1, 1, on_time, &n_times), 0);
        cr_assert_geq(sd_event_source_set_prepare(timer, on_prepare), 0);
        for (int turn = 0; turn < TURNS && n_times == 0; turn++) {
                box_put(&flood, "x");
                cr_assert_geq(sd_event_run(flood.event, 0), 0);
        }
        cr_expect_gt(n_times, 0);
}
