/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The secrets of a task, which must not be in a command line. The file is a list of records: a letter, text,
 * NUL. Of several records with the same letter the last counts, except for variables and arguments. The
 * static programs share this header, so it includes no other header.
 */
#define TASK_ENVIRONMENT 'E' /* NAME=value */
#define TASK_USER 'U'        /* NAME or ID, with :GROUP if wanted */

/* Capabilities that the user of the TASK_USER record before this one keeps; a mask in hexadecimal digits. */
#define TASK_CAPABILITIES 'C'

/* The name of the file as a credential: nspawn passes credentials on even with a user namespace. */
#define TASK_CREDENTIAL "nspawn-units.task"

/*
 * Maximum size of the file in bytes: nspawn's limit for credentials (credential.h,
 * CREDENTIALS_TOTAL_SIZE_MAX, systemd 252 to 256).
 */
#define SECRETS_FILE_MAX (1024 * 1024)

/* Only for a further command in a running task (LETTER_REQUEST). */
#define TASK_ARGUMENT 'A'  /* one argument of the command; without any, the user's login shell runs */
#define TASK_DIRECTORY 'D' /* the directory to start in */
#define TASK_TERMINAL 'T'  /* the command gets a terminal of its own; no text */
#define TASK_MANAGER 'M'   /* connect to the systemd that runs in the container; no text */
