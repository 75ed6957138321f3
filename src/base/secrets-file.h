/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files in a task's directory that the engine writes and nspawn-units-helper reads: systemd-nspawn's command
 * line, each word with a NUL behind it; and a file that is there when the task is to end, so that no run
 * begins any more.
 */
#define TASK_ARGUMENTS_FILE "arguments"
#define TASK_STOPPING_FILE "stopping"

/* A link there to the unit's control group, and where a container that is not booted finds that read-only.
 */
#define TASK_GROUP_LINK "cgroup"
#define TASK_GROUP_IN_CONTAINER "/run/nspawn-units/cgroup"

/* More than execve(2) takes in all (a quarter of the usual stack of 8 MiB). */
#define TASK_ARGUMENTS_MAX (4 * 1024 * 1024)

/*
 * Records of the task file, which says what must not stand in a command line: a letter, text, NUL. Shared
 * with the static programs, which take nothing else from here. The last of a kind counts, but for variables
 * and arguments.
 */
#define TASK_ENVIRONMENT 'E' /* NAME=value */
#define TASK_USER 'U'        /* NAME or ID, with :GROUP if wanted */

/* Capabilities that the user named last keeps, as a mask in hexadecimal digits. */
#define TASK_CAPABILITIES 'C'

/* Bytes of the file: it is a credential of nspawn's (credential.h, CREDENTIALS_TOTAL_SIZE_MAX, systemd 252
 * to 256). */
#define SECRETS_FILE_MAX (1024 * 1024)

/* Only of a command that is run in a task later on. */
#define TASK_ARGUMENT 'A'  /* the command, word by word; none for the user's login shell */
#define TASK_DIRECTORY 'D' /* to start in */
#define TASK_TERMINAL 'T'  /* with a terminal of its own; no text */
#define TASK_MANAGER 'M'   /* systemd is in there, and is to be connected to; no text */
