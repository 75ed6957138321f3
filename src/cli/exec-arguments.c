/* SPDX-License-Identifier: Apache-2.0 */

#include <getopt.h>
#include <stdio.h>

#include "base/string.h"
#include "base/strv.h"
#include "cli/command.h"
#include "cli/exec-arguments.h"
#include "task/spec.h"

/* Options end at the task: what follows is the command's own. */
static const char letters[] = "+tu:w:E:h";

static const struct option names[] = {
        { "tty", no_argument, NULL, 't' },
        { "user", required_argument, NULL, 'u' },
        { "working-directory", required_argument, NULL, 'w' },
        { "setenv", required_argument, NULL, 'E' },
        { "help", no_argument, NULL, 'h' },
        {},
};

static const char words[] =
        "\n"
        "  -t, --tty                     Give it a terminal\n"
        "  -u, --user=USER[:GROUP]       Run it as this user, not as the task's\n"
        "  -w, --working-directory=PATH  Run it there\n"
        "  -E, --setenv=NAME[=VALUE]     Set a variable; without a value to what it is here\n"
        "  -h, --help                    Show this\n";

void exec_arguments_clear(ExecArguments *arguments) {
        strv_free(arguments->environment);
        *arguments = (ExecArguments){};
}

static void usage(FILE *file, bool shell) {
        (void) fprintf(file, "usage: nspawnctl %s\n",
                shell ? "shell [OPTION...] TASK" : "exec [OPTION...] TASK COMMAND [ARGUMENT...]");
}

/* As systemd-run has it: NAME alone is the value that it has here, if only the empty one. */
static int set_variable(ExecArguments *arguments, const char *assignment) {
        const char *equals = strchrnul(assignment, '=');
        _cleanup_free_ char *name = xstrndup(assignment, (size_t) (equals - assignment));
        const char *inherited = getenv(name);

        if (!environment_name_is_valid(name))
                return command_fail(
                        "--setenv: \"%s\" is not allowed: must be " ENVIRONMENT_NAME_WANTED, name);
        environment_set(&arguments->environment, name, *equals ? equals + 1 : inherited ? inherited : "");
        return -1;
}

static int take(ExecArguments *arguments, int letter, bool shell) {
        switch (letter) {
        case 't':
                arguments->terminal = true;
                return -1;
        case 'u':
                arguments->user = optarg;
                return -1;
        case 'w':
                arguments->directory = optarg;
                return *optarg == '/'
                        ? -1
                        : command_fail("--working-directory: \"%s\" does not begin with /", optarg);
        case 'E':
                return set_variable(arguments, optarg);
        case 'h':
                usage(stdout, shell);
                (void) fputs(words, stdout);
                return EXIT_SUCCESS;
        default:
                return EXIT_OWN_FAILURE;
        }
}

int exec_arguments_parse(bool shell, int argc, char **argv, ExecArguments *ret) {
        _cleanup_free_ char **all = xnew(char *, (size_t) argc + 2);
        char name[] = "nspawnctl";
        int letter, status = -1;

        *ret = (ExecArguments){ .terminal = shell };

        /* The program's name goes before getopt's words. */
        all[0] = name;
        for (int i = 0; i < argc; i++)
                all[i + 1] = argv[i];
        optind = 0;
        while (status < 0 && (letter = getopt_long(argc + 1, all, letters, names, NULL)) >= 0)
                status = take(ret, letter, shell);

        int n = argc + 1 - optind;
        if (status < 0 && (shell ? n != 1 : n < 2)) {
                usage(stderr, shell);
                status = EXIT_OWN_FAILURE;
        }
        if (status >= 0) {
                exec_arguments_clear(ret);
                return status;
        }

        ret->task = argv[optind - 1];
        ret->command = shell ? NULL : argv + optind;
        return -1;
}
