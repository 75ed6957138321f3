/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where a program finds what belongs to it. */

/* What lives as long as the host is up: a directory for each running task, and the plugins' sockets. */
#define RUNTIME_DIRECTORY "/run/nspawn-units"

/* Return: directory of the running executable, links resolved; owned by the caller, never NULL. */
char *program_directory(void);

/**
 * program_find_init() - the init that runs in containers
 *
 * Beside the executable, as in a build directory, or where it is installed.
 *
 * Return: absolute path, owned by the caller; NULL when there is none.
 */
char *program_find_init(void);
