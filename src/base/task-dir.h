/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The directory of a task on the host, /run/nspawn-units/tasks/MACHINE, mode 0700. Shared with the static
 * programs, which take nothing else from here. docs/architecture.md has the table of who writes what.
 *
 *      record              who the task is; only the engine writes it
 *      notes               how its last run ended; nspawn-units-helper writes it
 *      holds               what the task holds elsewhere on the host (hold.h); only the engine writes it
 *      unit/               what the unit needs for as long as it lives; systemd removes it with the unit
 *      unit/secrets        environment and user (secrets-file.h)
 *      unit/arguments      systemd-nspawn's command line, a NUL behind each word
 *      unit/attach         a socket, where others connect to the task's terminal (attach.h)
 *      unit/stopping       is there once the task is being stopped: no run begins any more
 *      unit/cgroup         a link to the unit's control group
 *      unit/socket         see TASK_SOCKET_FILE
 *
 * The directories of all tasks are in one of their own, so no name of a task can meet another directory of
 * ours.
 */
#define TASKS_DIRECTORY "tasks"

/* The name of a task's unit, from that of its container. */
#define TASK_UNIT_NAME "nspawn-%s.service"

#define TASK_RECORD_FILE "record"
#define TASK_NOTES_FILE "notes"
#define TASK_HOLDS_FILE "holds"
#define TASK_NEXT_NOTES_FILE "notes.next" /* until they are whole */
#define TASK_UNIT_DIRECTORY "unit"

#define TASK_SECRETS_FILE "secrets"
#define TASK_ARGUMENTS_FILE "arguments"
#define TASK_STOPPING_FILE "stopping"
#define TASK_GROUP_LINK "cgroup"

/* The inode number of the socket that holds the unit's descriptors, where only systemd's store has it. */
#define TASK_SOCKET_FILE "socket"

/* Where a container that is not booted finds its unit's control group, read-only. */
#define TASK_GROUP_IN_CONTAINER "/run/nspawn-units/cgroup"

/* The notes of a run are two short lines. */
#define TASK_NOTES_MAX 4096

/* More than execve(2) takes in all (a quarter of the usual stack of 8 MiB). */
#define TASK_ARGUMENTS_MAX (4 * 1024 * 1024)

/*
 * Tasks of version 0.1.0 have record and notes in one file, /run/nspawn-units/.ledgers/MACHINE, to which
 * their containers can write; and what the unit needs in /run/nspawn-units/MACHINE, with another name for
 * the secrets. They go on until they end.
 */
#define OLD_LEDGERS_DIRECTORY ".ledgers"
#define OLD_SECRETS_FILE "task"
