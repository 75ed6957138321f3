/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Descriptors in a message with a letter for each: what the engine hands to a unit, and what it and
 * nspawn-units-helper hand to each other. Shared with the static programs, which take nothing else from
 * here.
 */
#define HANDED_ERROR 'E'  /* the task's stderr */
#define HANDED_OUTPUT 'O' /* its stdout */
#define HANDED_LEDGER 'L' /* what its end is noted in */
#define HANDED_ATTACH 'A' /* where others connect to its terminal (attach.h) */

/* What a command that is run in a task later on is made with. */
#define HANDED_REQUEST 'Q' /* records (task-file.h) */
#define HANDED_LEADER 'P'  /* pidfd of the first process in the container */
#define HANDED_GROUP 'G'   /* cgroup.procs of the control group it is to be in */
#define HANDED_LOCK 'K'    /* the directory of the task, for one at a time */
#define HANDED_INPUT 'I'   /* its stdin; stdout and stderr as above; none of them with a terminal */

/* What comes back from there. */
#define HANDED_COMMAND 'C'  /* pidfd of the command */
#define HANDED_TERMINAL 'T' /* the master of its terminal */
#define HANDED_MANAGER 'M'  /* connection to the systemd in the container */

/* Most that come with one message. */
#define HANDED_MAX 8
