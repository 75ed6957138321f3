/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/string.h"
#include "cli/escape.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "loop/reader.h"
#include "loop/writer.h"

/* How much output may wait to be written before the owner is asked to stop its source. */
#define OUTPUT_LIMIT (256 * 1024)

/* How much of a terminal's input is read although the owner has no room for it: more than anybody types. */
#define TYPED_LIMIT (1024 * 1024)

struct Session {
        App *app;
        SessionConfig config;
        Reader *reader;
        Writer *writers[_EXEC_STREAM_MAX];
        sd_event_source *first_size; /* reports the size of the terminal at the beginning */
        Escape escape;
        size_t typed;  /* bytes read since the owner had room for input */
        bool raw;      /* the terminal was made raw */
        bool full;     /* on_room() told the owner to stop the output */
        bool stopping; /* on_stop() was called */
        bool ending;   /* session_end() was called: the loop ends when all output is written */
        int status;    /* the exit status then */
        char last;     /* the last byte of the output */
        char *message; /* of session_say() */
        const SessionCallbacks *callbacks;
        void *userdata;
};

static size_t pending(const Session *session) {
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(session->writers); i++)
                n += writer_pending(session->writers[i]);
        return n;
}

/* Return: whether the session must read input in any case, because the escape sequence may be in it. */
static bool looks_for_escape(const Session *session) {
        return session->raw && session->config.escape;
}

/* Stops reading input: what is not read yet stays for the program that reads it after this one. */
static void leave_input(Session *session) {
        if (session->reader && !looks_for_escape(session))
                reader_set_enabled(session->reader, false);
}

static void session_stop(Session *session, int status) {
        if (session->stopping) {
                app_exit(session->app, status);
                return;
        }
        session->stopping = true;
        leave_input(session);
        session->callbacks->on_stop(session->userdata, status);
}

static void on_drained(void *userdata, int error) {
        Session *session = userdata;

        if (error < 0 && error != -EPIPE)
                session_say(session, "cannot write the output: %s", strerror(-error));
        if (error < 0 && !session->stopping)
                session_stop(session, error == -EPIPE ? 128 + SIGPIPE : EXIT_OWN_FAILURE);

        /* The owner ends the loop after on_stop(). */
        if (session->stopping)
                return;
        if (session->ending && pending(session) == 0)
                app_exit(session->app, session->status);
        else if (session->full && pending(session) < OUTPUT_LIMIT) {
                session->full = false;
                session->callbacks->on_room(session->userdata, true);
        }
}

/* Return: whether the session goes on to read input although the owner has no room for it. */
static bool may_type_on(Session *session, size_t n) {
        session->typed += n;
        return looks_for_escape(session) && session->typed < TYPED_LIMIT;
}

static bool pass_on(Session *session, const void *bytes, size_t n) {
        return !session->stopping && !session->ending &&
                session->callbacks->on_input(session->userdata, bytes, n);
}

static void on_input(void *userdata, const void *bytes, size_t n) {
        Session *session = userdata;
        uint64_t now = 0;

        (void) sd_event_now(session->app->event, CLOCK_MONOTONIC, &now);
        if (looks_for_escape(session) && escape_look(&session->escape, bytes, n, now))
                session_stop(session, EXIT_SUCCESS);
        else if (!pass_on(session, bytes, n) && !may_type_on(session, n))
                reader_set_enabled(session->reader, false);
}

static void on_input_end(void *userdata, int error _unused_) {
        Session *session = userdata;

        session->callbacks->on_input_end(session->userdata);
}

static const ReaderCallbacks reader_callbacks = { on_input, on_input_end };

static int on_stop_signal(
        sd_event_source *source _unused_, const struct signalfd_siginfo *info, void *userdata) {
        session_stop(userdata, 128 + (int) info->ssi_signo);
        return 0;
}

static int report_size(sd_event_source *source _unused_, void *userdata) {
        Session *session = userdata;
        uint16_t rows, columns;

        if (terminal_size(&rows, &columns))
                session->callbacks->on_size(session->userdata, rows, columns);
        return 0;
}

/* SIGWINCH: the size changed. SIGCONT: this program was stopped, and the shell has set the terminal since.
 */
static int on_terminal(
        sd_event_source *source, const struct signalfd_siginfo *info _unused_, void *userdata) {
        terminal_renew();
        return report_size(source, userdata);
}

static int session_open_streams(Session *session) {
        int r = 0;

        for (int i = 0; i < _EXEC_STREAM_MAX && r >= 0; i++) {
                r = fd_open_again(i == EXEC_OUTPUT ? STDOUT_FILENO : STDERR_FILENO, O_WRONLY);
                if (r >= 0)
                        r = writer_open(session->writers[i], r);
        }
        if (r >= 0 && session->config.input) {
                r = fd_open_again(STDIN_FILENO, O_RDONLY);
                if (r >= 0)
                        r = reader_new(session->app->event, r, &reader_callbacks, session, &session->reader);
        }
        return r;
}

static int session_open_terminal(Session *session) {
        int r = app_on_signal(session->app, SIGWINCH, on_terminal, session);

        if (r >= 0)
                r = app_on_signal(session->app, SIGCONT, on_terminal, session);
        if (r >= 0)
                r = sd_event_add_defer(session->app->event, &session->first_size, report_size, session);
        if (r < 0 || !isatty(STDIN_FILENO))
                return r;

        if (session->config.escape)
                (void) fprintf(stderr, ESCAPE_HINT "\n");
        r = terminal_make_raw(STDIN_FILENO);
        session->raw = r >= 0;
        return r;
}

int session_new(App *app, const SessionConfig *config, const SessionCallbacks *callbacks, void *userdata,
        Session **ret, Error **ret_error) {
        _cleanup_(session_freep) Session *session = xnew(Session, 1);
        int r;

        session->app = app;
        session->config = *config;
        session->callbacks = callbacks;
        session->userdata = userdata;
        for (size_t i = 0; i < ELEMENTSOF(session->writers); i++)
                session->writers[i] = writer_new(app->event, on_drained, session);

        /* A write to a closed pipe then fails with EPIPE. */
        (void) signal(SIGPIPE, SIG_IGN);
        r = session_open_streams(session);
        if (r >= 0)
                r = app_on_stop_signals(app, on_stop_signal, session);
        if (r >= 0 && config->terminal)
                r = session_open_terminal(session);
        if (r < 0)
                return error_set(ret_error, r, "cannot use the standard streams: %s", strerror(-r));

        *ret = TAKE_PTR(session);
        return 0;
}

Session *session_free(Session *session) {
        if (!session)
                return NULL;

        reader_free(session->reader);
        for (size_t i = 0; i < ELEMENTSOF(session->writers); i++)
                writer_free(session->writers[i]);
        sd_event_source_disable_unref(session->first_size);
        if (session->raw) {
                terminal_restore();
                if (session->last && session->last != '\n')
                        (void) fputc('\n', stderr);
        }
        if (session->message)
                app_print("%s", session->message);
        free(session->message);
        free(session);
        return NULL;
}

void session_write(Session *session, ExecStream stream, const void *bytes, size_t n) {
        writer_write(session->writers[stream], bytes, n);
        session->last = ((const char *) bytes)[n - 1];
        if (session->full || pending(session) < OUTPUT_LIMIT)
                return;
        session->full = true;
        session->callbacks->on_room(session->userdata, false);
}

void session_take_input(Session *session) {
        session->typed = 0;
        if (session->reader && !session->stopping && !session->ending)
                reader_set_enabled(session->reader, true);
}

void session_say(Session *session, const char *format, ...) {
        va_list ap;

        if (session->message)
                return;
        va_start(ap, format);
        session->message = xvasprintf(format, ap);
        va_end(ap);
}

void session_end(Session *session, int status) {
        session->ending = true;
        session->status = status;
        leave_input(session);
        if (pending(session) == 0)
                app_exit(session->app, status);
}
