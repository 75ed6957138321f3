/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Records of the task file, which says what must not stand in a command line: a letter, text, NUL. Shared
 * with the static programs, which take nothing else from here. The last of a kind counts, but for variables
 * and arguments.
 */
#define TASK_ENVIRONMENT 'E' /* NAME=value */
#define TASK_USER 'U'        /* NAME or ID, with :GROUP if wanted */

/* Capabilities that the user named last keeps, as a mask in hexadecimal digits. */
#define TASK_CAPABILITIES 'C'

/* Only of a command that is run in a task later on. */
#define TASK_ARGUMENT 'A'  /* the command, word by word; none for the user's login shell */
#define TASK_DIRECTORY 'D' /* to start in */
#define TASK_TERMINAL 'T'  /* with a terminal of its own; no text */
#define TASK_MANAGER 'M'   /* systemd is in there, and is to be connected to; no text */
