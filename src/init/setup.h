/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "words.h"

/* Turns this process into the task's command: descriptors, environment, user, execve(). A failure ends the
 * process with a message. */

typedef enum Mode {
        MODE_SUPERVISE,
        MODE_EXEC,
        MODE_BOOT,
        _MODE_MAX,
} Mode;

typedef struct Options {
        Mode mode;
        bool descriptors_on_stdin;
        bool terminal;  /* the command gets a terminal as descriptors 0 to 2; only with MODE_SUPERVISE */
        int error_fd;   /* the task's stderr, -1 when descriptor 2 is that already */
        int result_fd;  /* eventfd for how the payload ended (base/run-result.h), or -1 */
        int ledger_fd;  /* the same in a unit of version 0.1.0: a file, or -1 */
        int attach_fd;  /* socket where clients attach to the terminal, or -1 */
        char **command; /* for MODE_BOOT only the arguments */
} Options;

/* Reads the descriptors from the message on the unit's stdin, a socket (fd-letters.h). */
void descriptors_receive(Options *options);

/* Replaces descriptors 0 to 2 by /dev/null, or closes them where there is none. */
void descriptors_nullify(void);

/* Sets this process up as the options and the task file say, and becomes the command. */
_Noreturn void command_exec(const Options *options);
