/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* From this process to the task's command: environment, user, descriptors, execve; and words on failure. */

/* Exit code when something failed before the command was tried; 126 and 127 are the command's. */
#define EXIT_SETUP 125

typedef enum Mode {
        MODE_SUPERVISE,
        MODE_EXEC,
        MODE_BOOT,
        _MODE_MAX,
} Mode;

typedef struct Options {
        Mode mode;
        bool descriptors_on_stdin;
        int error_fd;   /* the task's stderr, -1 when descriptor 2 is that already */
        int ledger_fd;  /* the ledger, where the payload's end is noted, or -1 */
        char **command; /* for MODE_BOOT only the arguments */
} Options;

/* Closes every descriptor from 3 on. */
void descriptors_close_others(void);

/* Takes what the unit's stdin, a socket, hands over (handed.h). */
void descriptors_receive(Options *options);

/* Replaces descriptors 0 to 2 by /dev/null, or closes them where there is none. */
void descriptors_nullify(void);

/* Keeps a copy of descriptor 2 as it is now, close-on-exec, for say() and fail(). */
void journal_open(void);

/* Writes one sentence of these strings, up to NULL, to the journal. */
void say(const char *first, ...) __attribute__((sentinel));

/* Has fail() write one byte there, so that a supervisor knows. */
void failure_report_to(int fd);

/* Writes the sentence, reports, exits with @code. */
_Noreturn void fail(int code, const char *first, ...) __attribute__((sentinel));

/* Sets this process up as the options and the task file say, and becomes the command. */
_Noreturn void command_exec(const Options *options);
