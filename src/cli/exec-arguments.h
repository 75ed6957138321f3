/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* What `nspawnctl exec` and `nspawnctl shell` are told. What is no list is borrowed from the arguments. */
typedef struct ExecArguments {
        bool terminal;
        const char *user;
        const char *directory;
        char **environment; /* NAME=value, each name once */
        const char *task;
        char *const *command; /* NULL for a login shell */
} ExecArguments;

void exec_arguments_clear(ExecArguments *arguments);
#define _cleanup_exec_arguments_ _cleanup_(exec_arguments_clear)

/**
 * exec_arguments_parse() - read the arguments
 * @shell: the verb is "shell", which takes no command and has a terminal
 * @argv:  without the verb
 *
 * Return: -1 when there is something to run; otherwise the exit status, and words were printed.
 */
int exec_arguments_parse(bool shell, int argc, char **argv, ExecArguments *ret);
