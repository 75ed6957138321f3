/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/string.h"
#include "task/request.h"
#include "task/root.h"
#include "unit/unit-host.h"

/* What systemd-nspawn is told. */

/* Return: the task's secrets for our init (base/secrets-file.h), *ret_size bytes, owned by the caller. */
char *nspawn_secrets(const TaskSpec *spec, size_t *ret_size);

/* Appends a record to secrets. */
void nspawn_append_record(StringBuffer *buffer, char letter, const char *text);

/* Return: name of the signal that asks a container's first process to end. */
const char *nspawn_kill_signal(TaskLaunch launch);

/**
 * nspawn_arguments() - the command line of systemd-nspawn for a task
 * @root: where the image was found
 *
 * Holds no value of the task's environment: every user of the host can read it. Goes into the task's
 * directory (TASK_ARGUMENTS_FILE).
 *
 * Return: the arguments, the program's path first, owned by the caller.
 */
char **nspawn_arguments(const TaskRequest *request, const Root *root, const UnitHost *host);

/**
 * nspawn_keeps_streams_apart() - whether the payload gets our descriptors themselves
 *
 * systemd-nspawn hands its three descriptors on unchanged then (systemd-nspawn(1), --console=pipe). Its own
 * words on stderr must go to the journal, so the task's stderr comes through the unit's stdin
 * (fd_message.h), and our init puts them in order.
 */
bool nspawn_keeps_streams_apart(const TaskRequest *request);

/**
 * nspawn_joins_network_itself() - who enters a network namespace that is given
 *
 * The unit does, so that a user namespace stays possible: nspawn cannot enter one once it has that (measured
 * with 252). With a file system image nspawn has to, without a user namespace: it sets up block devices
 * through udev, which answers in the host's network namespace only (nspawn.c, systemd 252 to 256).
 */
bool nspawn_joins_network_itself(const TaskRequest *request, const Root *root);
