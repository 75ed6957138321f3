/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "base/string.h"
#include "base/strv.h"
#include "cli/command.h"
#include "cli/exec-arguments.h"

TestSuite(exec_arguments, .timeout = 30);

/* What was parsed borrows from the words. */
typedef struct Parsed {
        char **words;
        ExecArguments arguments;
        int status;
} Parsed;

static void parsed_clear(Parsed *parsed) {
        exec_arguments_clear(&parsed->arguments);
        strv_free(parsed->words);
}
#define _cleanup_parsed_ _cleanup_(parsed_clear)

/* Each word in @text is followed by a bar. */
static Parsed parse(bool shell, const char *text) {
        Parsed parsed = {};

        for (const char *bar; (bar = strchr(text, '|')); text = bar + 1)
                strv_consume(&parsed.words, xstrndup(text, (size_t) (bar - text)));
        parsed.status = exec_arguments_parse(
                shell, (int) strv_length(parsed.words), parsed.words, &parsed.arguments);
        return parsed;
}

static void expect_command(const Parsed *parsed, const char *task, const char *command) {
        _cleanup_free_ char *joined = NULL;

        cr_assert_eq(parsed->status, -1);
        cr_expect_str_eq(parsed->arguments.task, task);
        cr_expect_eq(parsed->arguments.command == NULL, command == NULL);
        if (command) {
                joined = strv_join(parsed->arguments.command, "|");
                cr_expect_str_eq(joined, command);
        }
}

Test(exec_arguments, a_task_and_a_command_suffice) {
        _cleanup_parsed_ Parsed parsed = parse(false, "web|ls|-l|--|-t|");

        expect_command(&parsed, "web", "ls|-l|--|-t");
        cr_expect_not(parsed.arguments.terminal);
        cr_expect_null(parsed.arguments.user);
        cr_expect_null(parsed.arguments.directory);
        cr_expect_null(parsed.arguments.environment);
}

Test(exec_arguments, options_stand_before_the_task_in_any_form) {
        static const char *const forms[] = {
                "-t|-u|www:data|-w|/srv|web|id|",
                "-tuwww:data|-w/srv|web|id|",
                "--tty|--user=www:data|--working-directory=/srv|web|id|",
                "--tty|--user|www:data|--working-directory|/srv|--|web|id|",
        };

        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                _cleanup_parsed_ Parsed parsed = parse(false, forms[i]);

                expect_command(&parsed, "web", "id");
                cr_expect(parsed.arguments.terminal);
                cr_expect_str_eq(parsed.arguments.user, "www:data");
                cr_expect_str_eq(parsed.arguments.directory, "/srv");
        }
}

Test(exec_arguments, what_follows_the_task_is_the_commands) {
        _cleanup_parsed_ Parsed parsed = parse(false, "web|-u|--help|");

        expect_command(&parsed, "web", "-u|--help");
        cr_expect_null(parsed.arguments.user);
}

Test(exec_arguments, variables_are_given_or_taken_from_here) {
        cr_assert_eq(setenv("HERE", "from here", 1), 0);
        cr_assert_eq(unsetenv("NOWHERE"), 0);
        _cleanup_parsed_ Parsed parsed = parse(
                false, "-EA=1|-E|B=|--setenv=C=x=y|-E|HERE|-E|NOWHERE|-EA=2|-E|a-b.c d=1|web|env|");

        expect_command(&parsed, "web", "env");
        _cleanup_free_ char *joined = strv_join(parsed.arguments.environment, "|");
        cr_expect_str_eq(joined, "A=2|B=|C=x=y|HERE=from here|NOWHERE=|a-b.c d=1");
}

Test(exec_arguments, a_shell_has_a_terminal_and_no_command) {
        _cleanup_parsed_ Parsed parsed = parse(true, "-u|www|web|");

        expect_command(&parsed, "web", NULL);
        cr_expect(parsed.arguments.terminal);
        cr_expect_str_eq(parsed.arguments.user, "www");
}

Test(exec_arguments, a_mistake_is_no_exit_status_of_a_command) {
        static const struct {
                bool shell;
                const char *words;
        } rows[] = {
                { false, "" },
                { false, "web|" },
                { false, "-t|" },
                { false, "-t|web|" },
                { false, "-x|web|id|" },
                { false, "--no-such|web|id|" },
                { false, "--tty=yes|web|id|" },
                { false, "-u|" },
                { false, "-w|srv|web|id|" },
                { false, "-w||web|id|" },
                { false, "-E|=1|web|id|" },
                { false, "-E||web|id|" },
                { true, "" },
                { true, "web|id|" },
                { true, "-u|www|" },
        };

        cr_redirect_stderr();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_parsed_ Parsed parsed = parse(rows[i].shell, rows[i].words);

                cr_expect_eq(parsed.status, EXIT_OWN_FAILURE, "%s", rows[i].words);
                cr_expect_null(parsed.arguments.environment);
        }
}

Test(exec_arguments, help_is_no_failure) {
        cr_redirect_stdout();
        for (int shell = 0; shell < 2; shell++) {
                _cleanup_parsed_ Parsed parsed = parse(shell, "-t|--help|");

                cr_expect_eq(parsed.status, EXIT_SUCCESS);
        }
}
