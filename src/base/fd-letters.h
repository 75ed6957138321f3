/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Letters for the descriptors in a message (SCM_RIGHTS): one byte of data names each descriptor. The engine
 * sends such a message to a unit, and it and nspawn-units-helper send them to each other. The static
 * programs share this header, so it includes no other header.
 */
#define LETTER_ERROR 'E'  /* the task's stderr */
#define LETTER_OUTPUT 'O' /* its stdout */
#define LETTER_RESULT 'R' /* an eventfd for how its command ended (run-result.h) */
#define LETTER_LEDGER 'L' /* the same for a task of version 0.1.0: a file, to which a line is appended */
#define LETTER_ATTACH 'A' /* the socket where clients attach to its terminal (attach.h) */

/* From the engine to the helper that runs another command in a running task. */
#define LETTER_REQUEST 'Q' /* records (secrets-file.h) */
#define LETTER_LEADER 'P'  /* pidfd of the first process in the container */
#define LETTER_GROUP 'G'   /* cgroup.procs of the control group that the command must enter */
#define LETTER_LOCK 'K'  /* the unit's directory, to lock: only one helper may trace the leader at a time */
#define LETTER_INPUT 'I' /* its stdin; stdout and stderr as above; none of them with a terminal */

/* From that helper to the engine. */
#define LETTER_COMMAND 'C'  /* pidfd of the command */
#define LETTER_TERMINAL 'T' /* the master of its terminal */
#define LETTER_MANAGER 'M'  /* connection to the systemd in the container */

/* The maximum number of descriptors in one message. */
#define LETTER_MAX 8
