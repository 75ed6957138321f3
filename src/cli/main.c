/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stdio.h>

#include "base/string.h"
#include "cli/command.h"

static const struct {
        const char *name;
        const char *arguments;
        const char *doc;
        int (*run)(int argc, char **argv);
} commands[] = {
        { "run", "[--detach] FILE.yaml",
                "Run a task and show its output; --detach leaves it to systemd and prints its unit",
                command_run },
        { "ps", "", "List the tasks of this host, Nomad's too", command_ps },
        { "stop", "NAME...", "Stop tasks by name", command_stop },
        { "validate", "FILE...", "Check files without running anything", command_validate },
        { "docs", "", "Print the reference of all options", command_docs },
};

int command_fail(const char *format, ...) {
        _cleanup_free_ char *words = NULL;
        va_list ap;

        va_start(ap, format);
        words = xvasprintf(format, ap);
        va_end(ap);
        (void) fprintf(stderr, "nspawnctl: %s\n", words);
        return EXIT_OWN_FAILURE;
}

static void help(FILE *file) {
        (void) fprintf(file, "nspawnctl COMMAND ...\n\nRun containers as systemd units.\n\nCommands:\n");
        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                _cleanup_free_ char *usage = xasprintf("%s %s", commands[i].name, commands[i].arguments);
                (void) fprintf(file, "  %-26s %s\n", usage, commands[i].doc);
        }
        (void) fprintf(file,
                "\n  --help                     Show this\n  --version                  Show the "
                "version\n\nrun exits with the task's exit code, or %d when the task could not be run.\n",
                EXIT_OWN_FAILURE);
}

int main(int argc, char *argv[]) {
        const char *name = argc > 1 ? argv[1] : "";

        if (streq(name, "--help") || streq(name, "-h") || streq(name, "help")) {
                help(stdout);
                return EXIT_SUCCESS;
        }
        if (streq(name, "--version")) {
                (void) puts("nspawnctl " PROJECT_VERSION);
                return EXIT_SUCCESS;
        }

        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (streq(commands[i].name, name))
                        return commands[i].run(argc - 2, argv + 2);

        if (*name)
                (void) fprintf(stderr, "nspawnctl: there is no command \"%s\"\n\n", name);
        help(stderr);
        return EXIT_USAGE;
}
