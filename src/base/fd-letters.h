/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Descriptors in a message with a letter for each: what the engine hands to a unit, and what it and
 * nspawn-units-helper hand to each other. Shared with the static programs, which take nothing else from
 * here.
 */
#define LETTER_ERROR 'E'  /* the task's stderr */
#define LETTER_OUTPUT 'O' /* its stdout */
#define LETTER_RESULT 'R' /* an eventfd for how its command ended (run-result.h) */
#define LETTER_LEDGER 'L' /* the same for a task of version 0.1.0: a file, to which a line is appended */
#define LETTER_ATTACH 'A' /* where others connect to its terminal (attach.h) */

/* What a command that is run in a task later on is made with. */
#define LETTER_REQUEST 'Q' /* records (secrets-file.h) */
#define LETTER_LEADER 'P'  /* pidfd of the first process in the container */
#define LETTER_GROUP 'G'   /* cgroup.procs of the control group it is to be in */
#define LETTER_LOCK 'K'    /* the directory of the task, for one at a time */
#define LETTER_INPUT 'I'   /* its stdin; stdout and stderr as above; none of them with a terminal */

/* What comes back from there. */
#define LETTER_COMMAND 'C'  /* pidfd of the command */
#define LETTER_TERMINAL 'T' /* the master of its terminal */
#define LETTER_MANAGER 'M'  /* connection to the systemd in the container */

/* Most that come with one message. */
#define LETTER_MAX 8
