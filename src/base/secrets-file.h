/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The secrets of a task, which must not stand in a command line. The file is a list of records: a letter,
 * text, NUL. Of several records with the same letter the last counts, except for variables and arguments.
 * Shared with the static programs, which take nothing else from here.
 */
#define TASK_ENVIRONMENT 'E' /* NAME=value */
#define TASK_USER 'U'        /* NAME or ID, with :GROUP if wanted */

/* Capabilities that the user named last keeps, as a mask in hexadecimal digits. */
#define TASK_CAPABILITIES 'C'

/* The name of that file as a credential in the container, which is how it gets past a user namespace. */
#define TASK_CREDENTIAL "nspawn-units.task"

/* Bytes of the file: it is a credential of nspawn's (credential.h, CREDENTIALS_TOTAL_SIZE_MAX, systemd 252
 * to 256). */
#define SECRETS_FILE_MAX (1024 * 1024)

/* Only of a command that is run in a task later on. */
#define TASK_ARGUMENT 'A'  /* the command, word by word; none for the user's login shell */
#define TASK_DIRECTORY 'D' /* to start in */
#define TASK_TERMINAL 'T'  /* with a terminal of its own; no text */
#define TASK_MANAGER 'M'   /* systemd is in there, and is to be connected to; no text */
