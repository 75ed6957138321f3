/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/attach.h"
#include "base/string.h"
#include "base/task-dir.h"
#include "cli/attachment.h"
#include "cli/session.h"
#include "cli/verb.h"
#include "task/nomad-id.h"
#include "unit/journal-follow.h"
#include "unit/output.h"
#include "unit/task-dir.h"

/* How long systemd may take to report the end of a task whose terminal was closed. */
#define END_LIMIT_USEC (5 * USEC_PER_SEC)

/* How many lines of earlier output are shown; journalctl --follow shows as many. */
#define LINES_BEFORE 10

typedef struct Attach {
        App *app;
        const char *name;
        Task *task;
        TaskWait *wait;
        bool ended;
        Session *session;

        /* Of a task with a terminal. */
        Attachment *attachment;
        sd_event_source *limit; /* runs from the end of the connection to that of the task */

        /* Of a task without one. */
        OutputQuery *query;
        JournalFollow *follow;
} Attach;

/* The user leaves the task, which goes on. Ctrl-C is the usual way out of a task without a terminal. */
static void on_stop(void *userdata, int status) {
        const Attach *attach = userdata;

        if (status == EXIT_SUCCESS)
                session_say(attach->session, "left the task \"%s\", which goes on", attach->name);
        app_exit(attach->app, status == 128 + SIGINT ? EXIT_SUCCESS : status);
}

static void attach_end(void *userdata) {
        Attach *attach = userdata;

        attach->limit = sd_event_source_disable_unref(attach->limit);
        session_say(attach->session, "the task \"%s\" ended", attach->name);
        session_end(attach->session, EXIT_SUCCESS);
}

static void on_task_ended(void *userdata, const ExitResult *result _unused_) {
        Attach *attach = userdata;

        attach->ended = true;
        if (attach->follow)
                journal_follow_finish(attach->follow);
        else if (attach->limit)
                attach_end(attach);
}

/* ---- a task with a terminal ---- */

static void on_output(void *userdata, const void *bytes, size_t n) {
        const Attach *attach = userdata;

        session_write(attach->session, EXEC_OUTPUT, bytes, n);
}

static void on_drain(void *userdata) {
        const Attach *attach = userdata;

        session_take_input(attach->session);
}

static int on_limit(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Attach *attach = userdata;

        attach->limit = sd_event_source_disable_unref(attach->limit);
        session_say(attach->session, "the terminal of the task \"%s\" hung up", attach->name);
        session_end(attach->session, EXIT_OWN_FAILURE);
        return 0;
}

/*
 * The init closed the connection. Either the task ended (systemd reports it within END_LIMIT_USEC), or it is
 * being restarted, or we read too slowly (base/attach.h).
 */
static void on_terminal_end(void *userdata) {
        Attach *attach = userdata;

        if (attach->ended ||
                sd_event_add_time_relative(attach->app->event, &attach->limit, CLOCK_MONOTONIC,
                        END_LIMIT_USEC, 0, on_limit, attach) < 0)
                attach_end(attach);
}

static const AttachmentCallbacks attachment_callbacks = { on_output, on_drain, on_terminal_end };

static bool on_input(void *userdata, const void *bytes, size_t n) {
        const Attach *attach = userdata;

        return attachment_write(attach->attachment, bytes, n);
}

/* The terminal stays open: other clients may type to it, and its output is still shown. */
static void on_input_end(void *userdata _unused_) {
}

static void on_size(void *userdata, uint16_t rows, uint16_t columns) {
        const Attach *attach = userdata;

        attachment_resize(attach->attachment, rows, columns);
}

static void on_terminal_room(void *userdata, bool room) {
        const Attach *attach = userdata;

        attachment_set_reading(attach->attachment, room);
}

static const SessionCallbacks terminal_callbacks = {
        on_input,
        on_input_end,
        on_size,
        on_terminal_room,
        on_stop,
};

static int attach_to_terminal(Attach *attach, Error **ret_error) {
        const SessionConfig config = { .input = true, .terminal = true, .escape = true };
        _cleanup_free_ char *path = task_dir_find(NULL, task_record(attach->task)->machine, ATTACH_SOCKET);
        int r = attachment_new(attach->app->event, path, &attachment_callbacks, attach, &attach->attachment);

        if (r == -ENOENT)
                return r;
        if (r < 0)
                return error_set(ret_error, r, "cannot attach to the terminal of \"%s\": %s", attach->name,
                        strerror(-r));
        return session_new(attach->app, &config, &terminal_callbacks, attach, &attach->session, ret_error);
}

/* ---- a task whose output is in the journal ---- */

static void on_line(void *userdata, const char *bytes, size_t n) {
        const Attach *attach = userdata;

        if (n > 0)
                session_write(attach->session, EXEC_OUTPUT, bytes, n);
        session_write(attach->session, EXEC_OUTPUT, "\n", 1);
}

static const JournalFollowCallbacks follow_callbacks = { on_line, attach_end };

static void on_journal_room(void *userdata, bool room) {
        const Attach *attach = userdata;

        journal_follow_set_reading(attach->follow, room);
}

static const SessionCallbacks journal_callbacks = { .on_room = on_journal_room, .on_stop = on_stop };

static void attach_to_journal(Attach *attach, bool of_nspawn) {
        const TaskRecord *record = task_record(attach->task);
        _cleanup_error_ Error *error = NULL;
        int r;

        if (session_new(attach->app, &(SessionConfig){}, &journal_callbacks, attach, &attach->session,
                    &error) < 0) {
                (void) app_fail(attach->app, "%s", error_message(error));
                return;
        }

        r = journal_follow_new(attach->app->event, record->unit, of_nspawn, LINES_BEFORE, &follow_callbacks,
                attach, &attach->follow);
        if (r < 0)
                (void) app_fail(attach->app, "cannot read the journal: %s", strerror(-r));
        else if (attach->ended)
                journal_follow_finish(attach->follow);
}

static void tell_where_output_is(Attach *attach) {
        _cleanup_free_ char *command = nomad_id_logs_command(task_record(attach->task)->id);

        if (command)
                (void) app_fail(attach->app, "Nomad has the output of \"%s\": %s", attach->name, command);
        else
                (void) app_fail(attach->app, "the output of \"%s\" goes to the program that started it",
                        attach->name);
}

static void on_place(void *userdata, OutputPlace place, const Error *error) {
        Attach *attach = userdata;

        attach->query = output_query_free(attach->query);
        if (error)
                (void) app_fail(attach->app, "%s", error_message(error));
        else if (place == OUTPUT_ELSEWHERE)
                tell_where_output_is(attach);
        else
                attach_to_journal(attach, place == OUTPUT_JOURNAL_BY_NSPAWN);
}

static void attach_to_task(void *userdata, App *app, Task *task) {
        _cleanup_error_ Error *error = NULL;
        Attach *attach = userdata;

        attach->task = task;
        attach->wait = task_wait(task, on_task_ended, attach);

        int r = attach_to_terminal(attach, &error);
        if (r == -ENOENT && !attach->attachment) {
                const TaskRecord *record = task_record(task);
                _cleanup_free_ char *arguments = task_dir_find(NULL, record->machine, TASK_ARGUMENTS_FILE);

                attach->query = output_query_new(app->system_bus, record->unit, arguments, on_place, attach);
                if (!attach->query)
                        (void) app_fail(app, "cannot ask systemd where the output goes");
        } else if (r < 0)
                (void) app_fail(app, "%s", error_message(error));
}

int attach_main(App *app, const VerbArguments *arguments) {
        Attach attach = { .app = app, .name = arguments->operands[0] };
        int status = app_run_task(app, attach.name, attach_to_task, &attach);

        session_free(attach.session);
        attachment_free(attach.attachment);
        output_query_free(attach.query);
        journal_follow_free(attach.follow);
        task_wait_free(attach.wait);
        sd_event_source_disable_unref(attach.limit);
        return status;
}
