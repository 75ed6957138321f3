/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/string.h"
#include "task/request.h"
#include "task/root.h"
#include "unit/unit-host.h"

/* Makes the command line and the secrets for systemd-nspawn. */

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
 * The command line contains no value of the task's environment, because every user of the host can read it.
 * It is stored in the task's directory (TASK_ARGUMENTS_FILE).
 *
 * Return: the arguments, the program's path first, owned by the caller.
 */
char **nspawn_arguments(const TaskRequest *request, const Root *root, const UnitHost *host);

/**
 * nspawn_keeps_streams_apart() - whether the payload inherits our descriptors
 *
 * If so, systemd-nspawn hands its three descriptors on unchanged (systemd-nspawn(1), --console=pipe).
 * nspawn's own messages on stderr must go to the journal. So the task's stderr comes in a message on the
 * unit's stdin (fd-message.h), and our init makes it the stderr of the command.
 */
bool nspawn_keeps_streams_apart(const TaskRequest *request);

/**
 * nspawn_joins_network_itself() - whether nspawn, and not the unit, enters the given network namespace
 *
 * Normally the unit enters it, so that a user namespace stays possible: nspawn cannot enter a network
 * namespace once it has a user namespace (measured with 252). With a file system image nspawn must enter it
 * itself, and the task gets no user namespace: nspawn sets up block devices through udev, which answers in
 * the host's network namespace only (nspawn.c, systemd 252 to 256).
 */
bool nspawn_joins_network_itself(const TaskRequest *request, const Root *root);
