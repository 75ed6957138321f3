/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where a program finds what belongs to it. */

/* What lives as long as the host is up: the tasks' directories (task-dir.h), and the plugins' sockets. */
#define RUNTIME_DIRECTORY "/run/nspawn-units"

/* Return: directory of the running executable, links resolved; owned by the caller, never NULL. */
char *program_directory(void);

/* Our init, the first program in containers; and what notes the end of a unit. */
#define PROGRAM_INIT "nspawn-units-init"
#define PROGRAM_HELPER "nspawn-units-helper"

/**
 * program_find() - a program of ours that belongs to this one
 *
 * Beside the executable, as in a build directory, or where it is installed.
 *
 * Return: absolute path, owned by the caller; NULL when there is none.
 */
char *program_find(const char *name);
