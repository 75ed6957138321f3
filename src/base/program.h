/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where our programs find each other and their files. */

/* Files that last until the host reboots: the tasks' directories (task-dir.h), and the plugins' sockets. */
#define RUNTIME_DIRECTORY "/run/nspawn-units"

/* Return: directory of the running executable, links resolved; owned by the caller, never NULL. */
char *program_directory(void);

/* Our init, the first program in containers; and the program that a unit runs beside nspawn (helper.c). */
#define PROGRAM_INIT "nspawn-units-init"
#define PROGRAM_HELPER "nspawn-units-helper"

/**
 * program_find() - find another of our programs
 *
 * Looks beside the running executable, as in a build directory, then where programs are installed.
 *
 * Return: absolute path, owned by the caller; NULL when there is none.
 */
char *program_find(const char *name);
