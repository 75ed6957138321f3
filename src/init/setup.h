/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "words.h"

/* From this process to the task's command: environment, user, descriptors, execve; and words on failure. */

typedef enum Mode {
        MODE_SUPERVISE,
        MODE_EXEC,
        MODE_BOOT,
        _MODE_MAX,
} Mode;

typedef struct Options {
        Mode mode;
        bool descriptors_on_stdin;
        bool terminal;  /* descriptors 0 to 2 of the command are one of its own; only with MODE_SUPERVISE */
        int error_fd;   /* the task's stderr, -1 when descriptor 2 is that already */
        int result_fd;  /* where the payload's end is noted (base/run-result.h), or -1 */
        int ledger_fd;  /* the same in a unit of version 0.1.0: a file, or -1 */
        int attach_fd;  /* where others connect to the terminal, or -1 */
        char **command; /* for MODE_BOOT only the arguments */
} Options;

/* Takes what the unit's stdin, a socket, hands over (fd-letters.h). */
void descriptors_receive(Options *options);

/* Replaces descriptors 0 to 2 by /dev/null, or closes them where there is none. */
void descriptors_nullify(void);

/* Sets this process up as the options and the task file say, and becomes the command. */
_Noreturn void command_exec(const Options *options);
