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
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "loop/reader.h"
#include "loop/writer.h"

/* Output that may wait to be written before no more is taken. */
#define OUTPUT_LIMIT (256 * 1024)

/* Input of a terminal that is taken although there is no room: more than anybody types. */
#define TYPED_LIMIT (1024 * 1024)

struct Session {
        sd_event *event;
        SessionConfig config;
        Reader *reader;
        Writer *writers[_EXEC_STREAM_MAX];
        sd_event_source *begin;
        Escape escape;
        size_t typed; /* without room */
        bool raw;
        bool full;     /* output is not wanted for now */
        bool stopping; /* on_stop() was called */
        bool ending;
        int status;
        char last; /* byte of the output */
        char *words;
        const SessionCallbacks *callbacks;
        void *userdata;
};

static size_t pending(const Session *session) {
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(session->writers); i++)
                n += writer_pending(session->writers[i]);
        return n;
}

/* The way out may be in the input of a terminal, whatever becomes of the rest. */
static bool looks_for_escape(const Session *session) {
        return session->raw && session->config.escape;
}

/* Nobody wants input any more: it stays for whoever reads it after us. */
static void leave_input(Session *session) {
        if (session->reader && !looks_for_escape(session))
                reader_set_enabled(session->reader, false);
}

static void session_stop(Session *session, int status) {
        if (session->stopping) {
                (void) sd_event_exit(session->event, status);
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

        /* What was told to stop ends by itself. */
        if (session->stopping)
                return;
        if (session->ending && pending(session) == 0)
                (void) sd_event_exit(session->event, session->status);
        else if (session->full && pending(session) < OUTPUT_LIMIT) {
                session->full = false;
                session->callbacks->on_room(session->userdata, true);
        }
}

/* Return: whether input is read on without room. */
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

        (void) sd_event_now(session->event, CLOCK_MONOTONIC, &now);
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

static int on_order(sd_event_source *source _unused_, const struct signalfd_siginfo *info, void *userdata) {
        session_stop(userdata, 128 + (int) info->ssi_signo);
        return 0;
}

static int tell_size(sd_event_source *source _unused_, void *userdata) {
        Session *session = userdata;
        uint16_t rows, columns;

        if (terminal_size(&rows, &columns))
                session->callbacks->on_size(session->userdata, rows, columns);
        return 0;
}

/* Its size changed, or we were stopped, and it may be another's by now. */
static int on_terminal(
        sd_event_source *source, const struct signalfd_siginfo *info _unused_, void *userdata) {
        terminal_renew();
        return tell_size(source, userdata);
}

static int open_streams(Session *session) {
        int r = 0;

        for (int i = 0; i < _EXEC_STREAM_MAX && r >= 0; i++) {
                r = fd_open_again(i == EXEC_OUTPUT ? STDOUT_FILENO : STDERR_FILENO, O_WRONLY);
                if (r >= 0)
                        r = writer_open(session->writers[i], r);
        }
        if (r >= 0 && session->config.input) {
                r = fd_open_again(STDIN_FILENO, O_RDONLY);
                if (r >= 0)
                        r = reader_new(session->event, r, &reader_callbacks, session, &session->reader);
        }
        return r;
}

static int take_terminal(Session *session) {
        int r = signal_take(session->event, SIGWINCH, on_terminal, session);

        if (r >= 0)
                r = signal_take(session->event, SIGCONT, on_terminal, session);
        if (r >= 0)
                r = sd_event_add_defer(session->event, &session->begin, tell_size, session);
        if (r < 0 || !isatty(STDIN_FILENO))
                return r;

        if (session->config.escape)
                (void) fprintf(stderr, ESCAPE_HINT "\n");
        r = terminal_make_raw(STDIN_FILENO);
        session->raw = r >= 0;
        return r;
}

int session_new(sd_event *event, const SessionConfig *config, const SessionCallbacks *callbacks,
        void *userdata, Session **ret, Error **ret_error) {
        _cleanup_(session_freep) Session *session = xnew(Session, 1);
        int r;

        session->event = sd_event_ref(event);
        session->config = *config;
        session->callbacks = callbacks;
        session->userdata = userdata;
        for (size_t i = 0; i < ELEMENTSOF(session->writers); i++)
                session->writers[i] = writer_new(event, on_drained, session);

        /* Who reads our output no more is told of by the write. */
        (void) signal(SIGPIPE, SIG_IGN);
        r = open_streams(session);
        if (r >= 0)
                r = signals_take_orders(event, on_order, session);
        if (r >= 0 && config->terminal)
                r = take_terminal(session);
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
        sd_event_source_disable_unref(session->begin);
        sd_event_unref(session->event);
        if (session->raw) {
                terminal_restore();
                if (session->last && session->last != '\n')
                        (void) fputc('\n', stderr);
        }
        if (session->words)
                (void) command_fail("%s", session->words);
        free(session->words);
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

        if (session->words)
                return;
        va_start(ap, format);
        session->words = xvasprintf(format, ap);
        va_end(ap);
}

void session_end(Session *session, int status) {
        session->ending = true;
        session->status = status;
        leave_input(session);
        if (pending(session) == 0)
                (void) sd_event_exit(session->event, status);
}
