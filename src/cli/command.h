/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* What the program's own failures exit with, so that a task's code is not mistaken (as env(1) does). */
#define EXIT_OWN_FAILURE 125

/* A usage nobody meant. */
#define EXIT_USAGE 2

/* A verb of nspawnctl: gets the arguments behind it, NULL-terminated; returns the exit status. */
int command_run(int argc, char **argv);
int command_exec(int argc, char **argv);
int command_shell(int argc, char **argv);
int command_attach(int argc, char **argv);
int command_ps(int argc, char **argv);
int command_stop(int argc, char **argv);
int command_validate(int argc, char **argv);
int command_docs(int argc, char **argv);

/* Prints "nspawnctl: " and the words to stderr. Return: EXIT_OWN_FAILURE. */
int command_fail(const char *format, ...) _printf_(1, 2);
