/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "cli/app.h"
#include "exec/exec.h"

/*
 * The standard streams, the terminal and the signals of this program while a verb passes them on to
 * something that runs in a task: a command, a shell, the task's own terminal, or its lines in the journal.
 * The verb is the session's owner.
 */
typedef struct Session Session;

typedef struct SessionConfig {
        bool input;    /* the standard input is read */
        bool terminal; /* the other side is a terminal: the user's is made raw, if standard input is one */
        bool escape;   /* the user can leave with ^] (cli/escape.h) */
} SessionConfig;

/* None is called from within a function of the session, apart from session_write(). */
typedef struct SessionCallbacks {
        /* Some input, at least one byte. Return: whether there is room for more; otherwise no more is read
         * until the owner calls session_take_input(). */
        bool (*on_input)(void *userdata, const void *bytes, size_t n);
        void (*on_input_end)(void *userdata);
        /* The size of the user's terminal, at the beginning and after each SIGWINCH. Called only when
         * SessionConfig.terminal is true; on_input and on_input_end only when SessionConfig.input is. */
        void (*on_size)(void *userdata, uint16_t rows, uint16_t columns);
        /* False: much output waits to be written, so the owner must stop its source. True: it may go on. */
        void (*on_room)(void *userdata, bool room);
        /*
         * Asks the owner to stop and to exit with this status: EXIT_SUCCESS after the escape sequence,
         * 128 + N after signal N, 128 + SIGPIPE when nobody reads the output any more, EXIT_OWN_FAILURE when
         * the output cannot be written. Called at most once; a second request exits the loop directly.
         */
        void (*on_stop)(void *userdata, int status);
} SessionCallbacks;

/**
 * session_new() - begin to pass the streams on
 * @app:       must live as long as the session; its loop ends with the session
 * @callbacks: must live as long as the session
 *
 * Return: 0, or a negative errno with @ret_error set.
 */
int session_new(App *app, const SessionConfig *config, const SessionCallbacks *callbacks, void *userdata,
        Session **ret, Error **ret_error);

/* Restores the terminal and prints the message of session_say(). */
Session *session_free(Session *session);
DEFINE_CLEANUP(Session *, session_free)

/* Writes a copy of the output, however much it is. May call on_room(). */
void session_write(Session *session, ExecStream stream, const void *bytes, size_t n);

/* To be called when the owner has room for more input. */
void session_take_input(Session *session);

/* Keeps a message for stderr until the terminal is restored. Only the first call has an effect. */
void session_say(Session *session, const char *format, ...) _printf_(2, 3);

/* Ends the loop with this status when all output is written. */
void session_end(Session *session, int status);
