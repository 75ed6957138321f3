/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/error.h"
#include "exec/exec.h"

/* Our input, output, terminal and signals, while they belong to something that runs elsewhere. */
typedef struct Session Session;

typedef struct SessionConfig {
        bool input;    /* ours is read */
        bool terminal; /* a terminal is at the other side: ours is made raw, if our input is one */
        bool escape;   /* and can be left (cli/escape.h) */
} SessionConfig;

/* None is called from within a function of the session, session_write() apart. */
typedef struct SessionCallbacks {
        /* Some input, never none. Return: whether there is room for more; otherwise nothing is read until
         * session_take_input() says so. */
        bool (*on_input)(void *userdata, const void *bytes, size_t n);
        void (*on_input_end)(void *userdata);
        /* Size of our terminal, and again when it changed. As the two above not called without input. */
        void (*on_size)(void *userdata, uint16_t rows, uint16_t columns);
        /* Output is not taken as fast as it comes, or there is room again. */
        void (*on_room)(void *userdata, bool room);
        /*
         * We are to end with this status: EXIT_SUCCESS by the way out, 128 and a signal's number, SIGPIPE
         * when nobody reads our output any more, EXIT_OWN_FAILURE when it cannot be written. Called once;
         * whoever says so again ends the loop.
         */
        void (*on_stop)(void *userdata, int status);
} SessionCallbacks;

/**
 * session_new() - begin
 * @event:     sd_event_exit() is called on it, with the status of the program
 * @callbacks: must live as long as the session
 *
 * Return: 0, or a negative errno with @ret_error set.
 */
int session_new(sd_event *event, const SessionConfig *config, const SessionCallbacks *callbacks,
        void *userdata, Session **ret, Error **ret_error);

/* Makes the terminal as it was and prints what session_say() was given. */
Session *session_free(Session *session);
DEFINE_CLEANUP(Session *, session_free)

/* Copies output, however much it is; on_room() may be called. */
void session_write(Session *session, ExecStream stream, const void *bytes, size_t n);

/* There is room for more input. */
void session_take_input(Session *session);

/* Words for stderr, for when the terminal is as it was. The first stay. */
void session_say(Session *session, const char *format, ...) _printf_(2, 3);

/* Ends the loop with this status once all output is written. */
void session_end(Session *session, int status);
