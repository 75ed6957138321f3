/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "task/diagnostics.h"

/*
 * How large arguments and environment of a program may be (execve(2), "Limits on size of arguments and
 * environment"). Without these checks a larger task would fail late, with just "Argument list too long".
 */

/* Bytes of one argument, or of one variable with its name and "=" (MAX_ARG_STRLEN less the NUL). */
#define ARGUMENT_MAX (UINT64_C(131072) - 1)

/* Bytes of all of them together, with a pointer for each: a quarter of the usual stack of 8 MiB. */
#define ARGUMENTS_MAX (UINT64_C(2) << 20)

/* The part of ARGUMENTS_MAX reserved for what nspawn, our init and the user's line in /etc/passwd add. */
#define ARGUMENTS_RESERVE (UINT64_C(8) << 10)

/* Return: how many bytes of ARGUMENTS_MAX a list of strings takes. */
uint64_t arguments_size(char *const *list);

/**
 * arguments_diagnose() - check whether a command can be run with this environment
 * @command:     the program first
 * @environment: NAME=value
 * @d:           gets the mistakes in the options command and environment: which argument or variable is too
 *               long, or that all together are too long, with the size and the limit
 *
 * Return: 0, or -E2BIG.
 */
int arguments_diagnose(char *const *command, char *const *environment, Diagnostics *d);

/* The same for a caller that wants an error. */
int arguments_check(char *const *command, char *const *environment, Error **ret_error);
