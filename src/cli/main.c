/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

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
        { "exec", "[-t] TASK COMMAND...",
                "Run a command in a running task, -t with a terminal; --help lists more", command_exec },
        { "shell", "TASK", "Log in to a running task", command_shell },
        { "attach", "TASK", "Follow what a task writes, and write to it where it has a terminal",
                command_attach },
        { "ps", "", "List the tasks of this host, Nomad's too, and who looks after each", command_ps },
        { "stop", "NAME...", "Stop tasks by name", command_stop },
        { "validate", "FILE...", "Check files without running anything", command_validate },
        { "docs", "", "Print the reference of all options", command_docs },
};

static void help(FILE *file) {
        (void) fprintf(file, "nspawnctl COMMAND ...\n\nRun containers as systemd units.\n\nCommands:\n");
        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                _cleanup_free_ char *usage = xasprintf("%s %s", commands[i].name, commands[i].arguments);
                (void) fprintf(file, "  %-26s %s\n", usage, commands[i].doc);
        }
        (void) fprintf(file,
                "\n"
                "  --help                     Show this\n"
                "  --version                  Show the version\n"
                "\n"
                "TASK is a task's name or unit, or the id of its Nomad allocation, as short as Nomad\n"
                "shows it, with /NAME behind it where that has several tasks.\n"
                "\n"
                "The OWNER in the list of ps is nomad, or nobody where the Nomad node that started the task\n"
                "has lost its state, or unknown where that cannot be told. Only root is told.\n"
                "\n"
                "run, exec and shell exit with the code of what they ran, or %d when it could not be run.\n",
                EXIT_OWN_FAILURE);
}

/* What is opened later may not become one of the three. */
static void open_streams(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd >= 0)
                (void) close(fd);
}

int main(int argc, char *argv[]) {
        const char *name = argc > 1 ? argv[1] : "";

        open_streams();
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
