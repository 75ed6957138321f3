/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "cli/session.h"
#include "box/fake-systemd.h"

TestSuite(session, .timeout = 60);

#define MANY (1024 * 1024)
#define KEY "\x1d"

/* A session with pipes or a terminal as our standard streams, and what its callbacks got. */
typedef struct Box {
        App app;
        Session *session;
        int input, output, error; /* the other sides */
        int master, slave;
        struct termios before;

        StringBuffer seen; /* input that the session passed on */
        bool refuse;       /* answer that there is no room for more input */
        bool input_ended;
        unsigned n_sizes, rows, columns;
        bool has_room;
        unsigned n_rooms;
        unsigned n_stops;
        int status;
        StringBuffer shown; /* output that came to our streams */
} Box;

static bool on_input(void *userdata, const void *bytes, size_t n) {
        Box *box = userdata;

        string_buffer_append_bytes(&box->seen, bytes, n);
        return !box->refuse;
}

static void on_input_end(void *userdata) {
        ((Box *) userdata)->input_ended = true;
}

static void on_size(void *userdata, uint16_t rows, uint16_t columns) {
        Box *box = userdata;

        box->n_sizes++;
        box->rows = rows;
        box->columns = columns;
}

static void on_room(void *userdata, bool room) {
        Box *box = userdata;

        box->n_rooms++;
        box->has_room = room;
}

static void on_stop(void *userdata, int status) {
        Box *box = userdata;

        box->n_stops++;
        box->status = status;
}

static const SessionCallbacks callbacks = { on_input, on_input_end, on_size, on_room, on_stop };

static void take_stream(int fd, int stream) {
        cr_assert_eq(dup2(fd, stream), stream);
        close(fd);
}

static void box_begin(Box *box, const SessionConfig *config) {
        _cleanup_error_ Error *error = NULL;

        cr_assert_geq(sd_event_new(&box->app.event), 0);
        cr_assert_eq(session_new(&box->app, config, &callbacks, box, &box->session, &error), 0, "%s",
                error_message(error));
}

static void box_open_streams(Box *box) {
        int fds[2];

        *box = (Box){ .master = -1, .slave = -1 };
        cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
        box->input = fds[1];
        take_stream(fds[0], STDIN_FILENO);
        cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
        box->output = fds[0];
        take_stream(fds[1], STDOUT_FILENO);
        cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
        box->error = fds[0];
        take_stream(fds[1], STDERR_FILENO);
        cr_assert_eq(fcntl(box->output, F_SETFL, O_NONBLOCK), 0);
        cr_assert_eq(fcntl(box->error, F_SETFL, O_NONBLOCK), 0);
}

static void box_open(Box *box) {
        box_open_streams(box);
        box_begin(box, &(SessionConfig){ .input = true });
}

/* Opens the box with a terminal as input and output. */
static void box_open_terminal(Box *box, bool escape) {
        struct winsize size = { .ws_row = 24, .ws_col = 80 };

        box_open_streams(box);
        cr_assert_eq(openpty(&box->master, &box->slave, NULL, NULL, &size), 0);
        cr_assert_eq(tcgetattr(box->slave, &box->before), 0);
        for (int stream = STDIN_FILENO; stream <= STDOUT_FILENO; stream++)
                cr_assert_eq(dup2(box->slave, stream), stream);
        box_begin(box, &(SessionConfig){ .input = true, .terminal = true, .escape = escape });
}

static void box_close(Box *box) {
        session_free(box->session);
        fd_close(box->input);
        fd_close(box->output);
        fd_close(box->error);
        fd_close(box->master);
        fd_close(box->slave);
        app_clear(&box->app);
        string_buffer_clear(&box->seen);
        string_buffer_clear(&box->shown);
}
#define _cleanup_box_ _cleanup_(box_close)

static void box_turns(Box *box) {
        for (int turn = 0; turn < 5; turn++)
                cr_assert_geq(sd_event_run(box->app.event, 0), 0);
}

static void type(const Box *box, const char *text) {
        cr_assert_eq(fd_write_all(box->master >= 0 ? box->master : box->input, text, strlen(text)), 0);
}

/* Return: whether there was output to read. */
static bool box_read(Box *box, int fd) {
        static char chunk[65536];
        ssize_t n = read(fd, chunk, sizeof(chunk));

        if (n > 0)
                string_buffer_append_bytes(&box->shown, chunk, (size_t) n);
        return n > 0;
}

static bool has_ended(const Box *box) {
        return sd_event_get_state(box->app.event) == SD_EVENT_EXITING ||
                sd_event_get_state(box->app.event) == SD_EVENT_FINISHED;
}

static void expect_exit(Box *box, int status) {
        int code = -1;

        RUN_UNTIL(box->app.event, sd_event_get_exit_code(box->app.event, &code) >= 0);
        cr_expect_eq(code, status, "%d", code);
}

static bool is_raw(const Box *box) {
        struct termios now;

        cr_assert_eq(tcgetattr(box->slave, &now), 0);
        return (now.c_lflag & (ICANON | ISIG | ECHO)) == 0;
}

/* ---- input ---- */

Test(session, input_is_passed_on_and_its_end) {
        _cleanup_box_ Box box;

        box_open(&box);
        type(&box, "one");
        RUN_UNTIL(box.app.event, box.seen.length == 3);
        type(&box, "two");
        box.input = fd_close(box.input);
        RUN_UNTIL(box.app.event, box.input_ended);
        cr_expect_str_eq(box.seen.text, "onetwo");
        cr_expect_eq(box.n_sizes, 0);
}

Test(session, input_waits_where_it_is_while_there_is_no_room) {
        _cleanup_box_ Box box;

        box_open(&box);
        box.refuse = true;
        type(&box, "one");
        RUN_UNTIL(box.app.event, box.seen.length == 3);
        type(&box, "two");
        box_turns(&box);
        cr_expect_eq(box.seen.length, 3);
        session_take_input(box.session);
        RUN_UNTIL(box.app.event, box.seen.length == 6);
}

Test(session, input_may_be_empty_or_a_file) {
        static const char *const paths[] = { "/dev/null", "/proc/self/status" };

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                _cleanup_box_ Box box;

                box_open_streams(&box);
                take_stream(open(paths[i], O_RDONLY | O_CLOEXEC), STDIN_FILENO);
                box_begin(&box, &(SessionConfig){ .input = true });
                RUN_UNTIL(box.app.event, box.input_ended);
                cr_expect_eq(box.seen.length > 0, i > 0);
        }
}

/* Input that the command will not read stays in the pipe or terminal, for the program that reads next. */
Test(session, input_that_nobody_will_read_stays_where_it_is) {
        for (int by_signal = 0; by_signal < 2; by_signal++) {
                _cleanup_box_ Box box;
                char left[8] = {};

                box_open(&box);
                session_write(box.session, EXEC_OUTPUT, "x", 1);
                if (by_signal) {
                        cr_assert_eq(kill(getpid(), SIGTERM), 0);
                        RUN_UNTIL(box.app.event, box.n_stops > 0);
                } else
                        session_end(box.session, 0);
                session_take_input(box.session);
                type(&box, "more");
                if (by_signal)
                        box_turns(&box);
                else
                        expect_exit(&box, 0);
                cr_expect_eq(box.seen.length, 0);
                cr_assert_eq(read(STDIN_FILENO, left, sizeof(left)), 4);
        }
}

/* ---- output ---- */

Test(session, output_comes_whole_and_the_end_waits_for_it) {
        _cleanup_box_ Box box;
        static char sent[MANY];

        box_open(&box);
        for (size_t i = 0; i < sizeof(sent); i++)
                sent[i] = (char) (i * 7 + i / 251);
        session_write(box.session, EXEC_ERROR, "bad", 3);
        session_write(box.session, EXEC_OUTPUT, sent, sizeof(sent));
        session_end(box.session, 7);
        box_turns(&box);
        cr_assert_not(has_ended(&box));
        RUN_UNTIL(box.app.event, !box_read(&box, box.output) && has_ended(&box));
        expect_exit(&box, 7);
        cr_assert_eq(box.shown.length, sizeof(sent));
        cr_expect_eq(memcmp(box.shown.text, sent, sizeof(sent)), 0);
        string_buffer_clear(&box.shown);
        (void) box_read(&box, box.error);
        cr_expect_str_eq(box.shown.text, "bad");
}

Test(session, without_output_the_end_is_at_once) {
        _cleanup_box_ Box box;

        box_open(&box);
        session_end(box.session, 3);
        expect_exit(&box, 3);
}

Test(session, slow_readers_are_waited_for) {
        _cleanup_box_ Box box;
        static char chunk[65536];

        box_open(&box);
        for (int i = 0; box.n_rooms == 0 && i < 100; i++) {
                session_write(box.session, EXEC_OUTPUT, chunk, sizeof(chunk));
                box_turns(&box);
        }
        cr_assert_eq(box.n_rooms, 1);
        cr_assert_not(box.has_room);
        RUN_UNTIL(box.app.event, !box_read(&box, box.output) && box.has_room);
        cr_expect_eq(box.n_rooms, 2);
}

Test(session, our_streams_stay_as_they_were_for_others) {
        _cleanup_box_ Box box;

        box_open(&box);
        for (int stream = 0; stream < 3; stream++)
                cr_expect_eq(fcntl(stream, F_GETFL) & O_NONBLOCK, 0, "%d", stream);
}

Test(session, a_reader_that_goes_is_an_end_as_by_sigpipe) {
        _cleanup_box_ Box box;

        box_open(&box);
        box.output = fd_close(box.output);
        session_write(box.session, EXEC_OUTPUT, "x", 1);
        RUN_UNTIL(box.app.event, box.n_stops > 0);
        cr_expect_eq(box.status, 128 + SIGPIPE);
        session_write(box.session, EXEC_OUTPUT, "x", 1);
        session_end(box.session, 9);
        expect_exit(&box, 9);
        cr_expect_eq(box.n_stops, 1);
}

Test(session, a_full_disk_is_said) {
        _cleanup_box_ Box box;

        box_open_streams(&box);
        take_stream(open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
        box_begin(&box, &(SessionConfig){ .input = true });
        session_write(box.session, EXEC_OUTPUT, "x", 1);
        RUN_UNTIL(box.app.event, box.n_stops > 0);
        cr_expect_eq(box.status, EXIT_OWN_FAILURE);
        box.session = session_free(box.session);
        (void) box_read(&box, box.error);
        cr_expect_str_eq(box.shown.text, "nspawnctl: cannot write the output: No space left on device\n");
}

/* ---- signals ---- */

Test(session, the_first_signal_asks_and_the_second_ends) {
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                _cleanup_box_ Box box;

                box_open(&box);
                cr_assert_eq(kill(getpid(), signals[i]), 0);
                RUN_UNTIL(box.app.event, box.n_stops > 0);
                cr_expect_eq(box.status, 128 + signals[i]);
                cr_assert_not(has_ended(&box));
                cr_assert_eq(kill(getpid(), SIGTERM), 0);
                expect_exit(&box, 128 + SIGTERM);
                cr_expect_eq(box.n_stops, 1);
        }
}

Test(session, a_hangup_that_was_ignored_stays_so) {
        _cleanup_box_ Box box;

        (void) signal(SIGHUP, SIG_IGN);
        box_open(&box);
        cr_assert_eq(kill(getpid(), SIGHUP), 0);
        cr_assert_eq(kill(getpid(), SIGTERM), 0);
        RUN_UNTIL(box.app.event, box.n_stops > 0);
        cr_expect_eq(box.status, 128 + SIGTERM);
        box_turns(&box);
        cr_expect_not(has_ended(&box));
}

/* ---- terminal ---- */

Test(session, a_terminal_is_raw_meanwhile_and_its_size_is_told) {
        _cleanup_box_ Box box;
        struct termios now;

        box_open_terminal(&box, false);
        cr_expect(is_raw(&box));
        RUN_UNTIL(box.app.event, box.n_sizes > 0);
        cr_expect_eq(box.rows, 24);
        cr_expect_eq(box.columns, 80);

        cr_assert_eq(ioctl(box.master, TIOCSWINSZ, &(struct winsize){ .ws_row = 50, .ws_col = 132 }), 0);
        cr_assert_eq(kill(getpid(), SIGWINCH), 0);
        RUN_UNTIL(box.app.event, box.n_sizes > 1);
        cr_expect_eq(box.rows, 50);
        cr_expect_eq(box.columns, 132);

        type(&box, "\x03" KEY KEY KEY);
        RUN_UNTIL(box.app.event, box.seen.length == 4);
        cr_expect_eq(box.n_stops, 0, "there is a way out only where it is said");

        box.session = session_free(box.session);
        cr_assert_eq(tcgetattr(box.slave, &now), 0);
        cr_expect_eq(now.c_lflag, box.before.c_lflag);
        cr_expect_eq(now.c_oflag, box.before.c_oflag);
}

Test(session, a_terminal_is_raw_again_when_we_go_on) {
        _cleanup_box_ Box box;

        box_open_terminal(&box, false);
        RUN_UNTIL(box.app.event, box.n_sizes > 0);
        cr_assert_eq(tcsetattr(box.slave, TCSANOW, &box.before), 0);
        cr_assert_eq(kill(getpid(), SIGCONT), 0);
        RUN_UNTIL(box.app.event, box.n_sizes > 1);
        cr_expect(is_raw(&box));
}

Test(session, the_way_out_needs_no_room_at_the_other_side) {
        _cleanup_box_ Box box;

        box_open_terminal(&box, true);
        box.refuse = true;
        type(&box, "x");
        RUN_UNTIL(box.app.event, box.seen.length > 0);
        type(&box, KEY KEY);
        type(&box, KEY);
        RUN_UNTIL(box.app.event, box.n_stops > 0);
        cr_expect_eq(box.status, EXIT_SUCCESS);

        /* After the stop was asked for, the next escape sequence ends the session at once. */
        type(&box, "y");
        type(&box, KEY KEY KEY);
        expect_exit(&box, EXIT_SUCCESS);
        cr_expect_null(strchr(box.seen.text, 'y'));
}

/* Types as much as the terminal takes at once. */
static void paste(const Box *box) {
        static const char text[4096] = { [0 ... 4095] = 'x' };

        while (write(box->master, text, sizeof(text)) > 0)
                continue;
        cr_assert_eq(errno, EAGAIN);
}

Test(session, what_is_pasted_without_room_is_not_kept_without_end) {
        _cleanup_box_ Box box;

        box_open_terminal(&box, true);
        box.refuse = true;
        cr_assert_eq(fcntl(box.master, F_SETFL, O_NONBLOCK), 0);
        RUN_UNTIL(box.app.event, (paste(&box), box.seen.length >= MANY));
        size_t taken = box.seen.length;
        for (int i = 0; i < 50; i++) {
                paste(&box);
                cr_assert_geq(sd_event_run(box.app.event, 1000), 0);
        }
        cr_expect_eq(box.seen.length, taken);

        box.refuse = false;
        session_take_input(box.session);
        RUN_UNTIL(box.app.event, box.seen.length > taken);
}

Test(session, words_come_when_the_terminal_is_as_it_was_and_on_a_line_of_their_own) {
        _cleanup_box_ Box box;

        box_open_terminal(&box, true);
        session_write(box.session, EXEC_OUTPUT, "prompt", 6);
        session_say(box.session, "it is %s", "over");
        session_say(box.session, "not this");
        box_turns(&box);
        box.session = session_free(box.session);
        (void) box_read(&box, box.error);
        cr_expect_str_eq(box.shown.text,
                "Press ^] three times within one second to leave.\n\nnspawnctl: it is over\n");
}

Test(session, without_a_terminal_of_ours_there_may_still_be_one_at_the_other_side) {
        _cleanup_box_ Box box;

        box_open_streams(&box);
        box_begin(&box, &(SessionConfig){ .input = true, .terminal = true, .escape = true });
        type(&box, "a" KEY KEY KEY);
        box.input = fd_close(box.input);
        RUN_UNTIL(box.app.event, box.input_ended);
        cr_expect_eq(box.seen.length, 4);
        cr_expect_eq(box.n_stops, 0);
        cr_expect_eq(box.n_sizes, 0);
}
