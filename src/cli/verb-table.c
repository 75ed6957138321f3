/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "cli/verb.h"
#include "task/spec.h"

static const char *check_directory(const char *value) {
        return *value == '/' ? NULL : "an absolute path";
}

static const char *check_variable(const char *value) {
        _cleanup_free_ char *name = xstrndup(value, strcspn(value, "="));

        return environment_name_is_valid(name) ? NULL : ENVIRONMENT_NAME_WANTED;
}

#define OPTION_USER \
        { 'u', "user", "USER[:GROUP]", "Run as this user instead of the task's", NULL }
#define OPTION_DIRECTORY \
        { 'w', "working-directory", "PATH", "Run in this directory of the task", check_directory }
#define OPTION_VARIABLE \
        { \
                'E', "setenv", "NAME[=VALUE]", \
                        "Set a variable; without a value, it gets the one of this shell", check_variable \
        }

static const VerbOption run_options[] = {
        { 'd', "detach", NULL, "Leave the task to systemd: print its unit and return once it runs", NULL },
        {},
};

static const VerbOption exec_options[] = {
        { 't', "tty", NULL, "Give the command a terminal", NULL },
        OPTION_USER,
        OPTION_DIRECTORY,
        OPTION_VARIABLE,
        {},
};

static const VerbOption shell_options[] = {
        { 't', "tty", NULL, "No effect: a shell always has a terminal", NULL },
        OPTION_USER,
        OPTION_DIRECTORY,
        OPTION_VARIABLE,
        {},
};

static const VerbOption inspect_options[] = {
        { 'U', "unit", NULL,
                "Print the unit that systemd would be asked for, as a unit file without secrets", NULL },
        {},
};

static const VerbOption docs_options[] = {
        { 'v', "verbs", NULL, "Print the reference of the verbs instead (docs/nspawnctl.md)", NULL },
        {},
};

const Verb verb_table[] = {
        { "run", run_options, "FILE.yaml", 1, 1,
                "Run a task and show its output; Ctrl-C stops it, a second Ctrl-C kills it", VERB_STATUS,
                run_main },
        { "exec", exec_options, "TASK COMMAND [ARGUMENT...]", 2, VERB_OPERANDS_ANY,
                "Run a command in a running task", VERB_ROOT | VERB_TASK | VERB_COMMAND | VERB_STATUS,
                exec_main },
        { "shell", shell_options, "TASK", 1, 1,
                "Log in to a running task; ^] three times within a second leaves it",
                VERB_ROOT | VERB_TASK | VERB_STATUS, shell_main },
        { "attach", NULL, "TASK", 1, 1, "Follow what a task writes, and type to it where it has a terminal",
                VERB_ROOT | VERB_TASK, attach_main },
        { "ps", NULL, "", 0, 0, "List the tasks of this host, those of Nomad included, and their owners", 0,
                ps_main },
        { "stop", NULL, "NAME...", 1, VERB_OPERANDS_ANY,
                "Stop tasks; NAME is that of a task, of its machine or of its unit", 0, stop_main },
        { "validate", NULL, "FILE...", 1, VERB_OPERANDS_ANY, "Check files without running anything", 0,
                validate_main },
        { "inspect", inspect_options, "FILE.yaml", 1, 1,
                "Show what `run` would make of a file, without running anything", 0, inspect_main },
        { "docs", docs_options, "", 0, 0, "Print the reference of all options of tasks (docs/options.md)", 0,
                docs_main },
        {},
};
