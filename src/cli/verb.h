/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <stdio.h>

#include "cli/app.h"

/*
 * The verbs of nspawnctl: one row for each (cli/verb-table.c). Parsing, the messages about wrong options and
 * operands, `nspawnctl --help`, `nspawnctl VERB --help` and docs/nspawnctl.md all come from the rows.
 *
 * Command lines are read as systemctl and systemd-run read theirs (getopt_long(3)): options may stand before
 * and behind operands, "--" ends them, and every verb has -h, --help and --version. Where an operand is a
 * command to be run (VERB_COMMAND), options end at the first operand, so that the command keeps its own.
 */

typedef struct VerbOption {
        char letter;
        const char *name;
        const char *value; /* what the option's value is called in help; NULL for an option without one */
        const char *doc;
        /* Return: NULL for an allowed value, otherwise words that complete "must be ". May be NULL. */
        const char *(*check)(const char *value);
} VerbOption;

/* How many options a verb may have, together with those that every verb has. */
#define VERB_OPTIONS_MAX 16

typedef enum VerbFlags {
        VERB_ROOT = 1 << 0, /* only root may use it */
        VERB_TASK = 1 << 1, /* the first operand is a running task, in any form that target_find() takes */
        VERB_COMMAND = 1 << 2, /* options end at the first operand */
        VERB_STATUS = 1 << 3,  /* exits with the status of what it ran; its own failures are all
                                  EXIT_OWN_FAILURE, so that they are not mistaken for that */
} VerbFlags;

typedef struct Verb Verb;

/* An option on the command line. */
typedef struct VerbGiven {
        const VerbOption *option;
        const char *value; /* NULL for an option without one */
} VerbGiven;

/* A command line that was parsed. Strings are borrowed from it. */
typedef struct VerbArguments {
        const Verb *verb;
        VerbGiven *given; /* in the order of the command line */
        size_t n_given;
        char **operands; /* NULL-terminated */
        size_t n_operands;
} VerbArguments;

struct Verb {
        const char *name;
        const VerbOption *options; /* ends with a row without a name; NULL for no options of its own */
        const char *operands;      /* as the usage line has them */
        unsigned n_operands_min;
        unsigned n_operands_max;
        const char *doc;
        VerbFlags flags;
        int (*run)(App *app, const VerbArguments *arguments); /* returns the exit status */
};

/* For Verb.n_operands_max. */
#define VERB_OPERANDS_ANY UINT_MAX

/* All verbs (cli/verb-table.c); ends with a row without a name. Only main() uses this table. The functions
 * below get it from their callers: the table refers to the verbs, and the verbs use these functions. */
extern const Verb verb_table[];

/* Return: the row of the table, or NULL. */
const Verb *verb_find(const Verb *table, const char *name);

/**
 * verb_main() - run nspawnctl
 * @table: its verbs
 *
 * Return: the exit status.
 */
int verb_main(App *app, const Verb *table, int argc, char **argv);

/**
 * verb_parse() - parse the command line of a verb
 * @argv: begins with the verb, and is reordered: options first
 *
 * Return: -1 when the verb is to be run. Otherwise the exit status: help or version was printed to stdout,
 * or a mistake to stderr, and @ret is empty.
 */
int verb_parse(const Verb *verb, int argc, char **argv, VerbArguments *ret);
void verb_arguments_clear(VerbArguments *arguments);
#define _cleanup_verb_arguments_ _cleanup_(verb_arguments_clear)

/* Return: whether the option was given. */
bool verb_has(const VerbArguments *arguments, char letter);

/* Return: the value that was given last, or NULL. */
const char *verb_value(const VerbArguments *arguments, char letter);

/* cli/verb-help.c */

/* The options that every verb has, in this order; ends with a row without a name. */
enum { VERB_OPTION_HELP, VERB_OPTION_VERSION };
extern const VerbOption verb_common_options[];

/* Prints the help of a verb. */
void verb_print_help(FILE *file, const Verb *verb);

/* Prints the help of the program. */
void verb_print_program_help(FILE *file, const Verb *table);

/* Prints the line "usage: nspawnctl ..." of a verb, or that of the program where @verb is NULL. */
void verb_print_usage(FILE *file, const Verb *verb);

/* Prints docs/nspawnctl.md to stdout. */
void verb_print_reference(const Verb *table);

/* The functions of the rows, each in the file of its name (shell_main() in exec.c). */
int run_main(App *app, const VerbArguments *arguments);
int exec_main(App *app, const VerbArguments *arguments);
int shell_main(App *app, const VerbArguments *arguments);
int attach_main(App *app, const VerbArguments *arguments);
int ps_main(App *app, const VerbArguments *arguments);
int stop_main(App *app, const VerbArguments *arguments);
int validate_main(App *app, const VerbArguments *arguments);
int inspect_main(App *app, const VerbArguments *arguments);
int docs_main(App *app, const VerbArguments *arguments);
