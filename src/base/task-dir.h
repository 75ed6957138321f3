/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The directory of a task on the host, /run/nspawn-units/tasks/MACHINE, mode 0700. The static programs share
 * this header, so it includes no other header. docs/architecture.md has the table of who writes what.
 *
 *      record              identity of the task; only the engine writes it
 *      notes               how its last run ended; nspawn-units-helper writes it
 *      holds               what the task holds elsewhere on the host (hold.h); only the engine writes it
 *      unit/               what the unit needs for as long as it lives; systemd removes it with the unit
 *      unit/secrets        environment and user (secrets-file.h)
 *      unit/arguments      systemd-nspawn's command line, a NUL behind each word
 *      unit/attach         a socket, where clients attach to the task's terminal (attach.h)
 *      unit/stopping       exists once the task is being stopped: no further run may begin
 *      unit/cgroup         a link to the unit's control group
 *      unit/socket         see TASK_SOCKET_FILE
 *
 * The directories of all tasks are in "tasks", which contains nothing else: so a task's name never collides
 * with another file of ours.
 */
#define TASKS_DIRECTORY "tasks"

/* Format of the name of a task's unit; the argument is the name of its container. */
#define TASK_UNIT_NAME "nspawn-%s.service"

#define TASK_RECORD_FILE "record"
#define TASK_NOTES_FILE "notes"
#define TASK_HOLDS_FILE "holds"
#define TASK_NEXT_NOTES_FILE "notes.next" /* renamed to "notes" when it is complete */
#define TASK_UNIT_DIRECTORY "unit"

#define TASK_SECRETS_FILE "secrets"
#define TASK_ARGUMENTS_FILE "arguments"
#define TASK_STOPPING_FILE "stopping"
#define TASK_GROUP_LINK "cgroup"

/*
 * The inode number of the socket with the unit's descriptors; written by a run that got this socket from
 * systemd's store of descriptors (helper/store.h).
 */
#define TASK_SOCKET_FILE "socket"

/* Where the control group of the unit is mounted in a container that is not booted, read-only. */
#define TASK_GROUP_IN_CONTAINER "/run/nspawn-units/cgroup"

/* The notes of a run are two short lines. */
#define TASK_NOTES_MAX 4096

/* More than execve(2) accepts for all arguments (a quarter of the usual stack of 8 MiB). */
#define TASK_ARGUMENTS_MAX (4 * 1024 * 1024)

/*
 * Tasks of version 0.1.0 have record and notes in one file, /run/nspawn-units/.ledgers/MACHINE, to which
 * their containers can write. Their directory for the unit is /run/nspawn-units/MACHINE, where the secrets
 * have another name. We support such tasks until they end.
 */
#define OLD_LEDGERS_DIRECTORY ".ledgers"
#define OLD_SECRETS_FILE "task"
