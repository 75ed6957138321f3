/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <criterion/redirect.h>

#include "base/string.h"
#include "base/strv.h"
#include "cli/verb.h"

TestSuite(verb, .timeout = 30);

/* A command line, and the arguments that were parsed from it, which point into the words. */
typedef struct Parsed {
        char **words;
        char **argv; /* getopt_long() changes the order of the list */
        VerbArguments arguments;
        int status;
} Parsed;

static void parsed_clear(Parsed *parsed) {
        verb_arguments_clear(&parsed->arguments);
        free(parsed->argv);
        strv_free(parsed->words);
}
#define _cleanup_parsed_ _cleanup_(parsed_clear)

/* Each word in @text is followed by a bar; the first is the verb. */
static void split(Parsed *parsed, const char *text) {
        for (const char *bar; (bar = strchr(text, '|')); text = bar + 1)
                strv_consume(&parsed->words, xstrndup(text, (size_t) (bar - text)));
        parsed->argv = xcalloc(strv_length(parsed->words) + 1, sizeof(*parsed->argv));
        memcpy(parsed->argv, parsed->words, strv_length(parsed->words) * sizeof(*parsed->argv));
}

static Parsed parse(const char *text) {
        Parsed parsed = {};

        split(&parsed, text);
        const Verb *verb = verb_find(verb_table, parsed.words[0]);
        cr_assert_not_null(verb);
        parsed.status = verb_parse(verb, (int) strv_length(parsed.words), parsed.argv, &parsed.arguments);
        return parsed;
}

/* Runs the whole program. Return: its exit status. */
static int run(const char *text) {
        _cleanup_app_ App app = {};
        _cleanup_parsed_ Parsed parsed = {};
        _cleanup_free_ char *all = xasprintf("nspawnctl|%s", text);

        split(&parsed, all);
        cr_assert_geq(app_init(&app), 0);
        return verb_main(&app, verb_table, (int) strv_length(parsed.words), parsed.argv);
}

static void expect_operands(const Parsed *parsed, const char *operands) {
        cr_assert_eq(parsed->status, -1);
        _cleanup_free_ char *joined = strv_join(parsed->arguments.operands, "|");
        cr_expect_str_eq(joined, operands);
        cr_expect_eq(parsed->arguments.n_operands, strv_length(parsed->arguments.operands));
}

static void expect_value(const Parsed *parsed, char letter, const char *value) {
        cr_expect(verb_has(&parsed->arguments, letter));
        cr_expect_str_eq(verb_value(&parsed->arguments, letter), value);
}

Test(verb, a_task_and_a_command_suffice) {
        _cleanup_parsed_ Parsed parsed = parse("exec|web|ls|-l|--|-t|");

        expect_operands(&parsed, "web|ls|-l|--|-t");
        cr_expect_eq(parsed.arguments.n_given, 0);
        cr_expect_not(verb_has(&parsed.arguments, 't'));
        cr_expect_null(verb_value(&parsed.arguments, 'u'));
}

Test(verb, options_stand_before_the_task_in_any_form) {
        static const char *const forms[] = {
                "exec|-t|-u|www:data|-w|/srv|web|id|",
                "exec|-tuwww:data|-w/srv|web|id|",
                "exec|--tty|--user=www:data|--working-directory=/srv|web|id|",
                "exec|--tty|--user|www:data|--working-directory|/srv|--|web|id|",
                "exec|--tt|--user=root|--us=www:data|--work=/srv|web|id|",
        };

        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                _cleanup_parsed_ Parsed parsed = parse(forms[i]);

                expect_operands(&parsed, "web|id");
                cr_expect(verb_has(&parsed.arguments, 't'));
                expect_value(&parsed, 'u', "www:data");
                expect_value(&parsed, 'w', "/srv");
        }
}

Test(verb, what_follows_the_task_is_the_commands) {
        _cleanup_parsed_ Parsed parsed = parse("exec|web|-u|--help|");

        expect_operands(&parsed, "web|-u|--help");
        cr_expect_not(verb_has(&parsed.arguments, 'u'));
}

Test(verb, other_verbs_take_options_behind_operands_too) {
        static const char *const forms[] = {
                "run|-d|a.yaml|",
                "run|a.yaml|--detach|",
                "run|--det|--|a.yaml|",
        };

        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                _cleanup_parsed_ Parsed parsed = parse(forms[i]);

                expect_operands(&parsed, "a.yaml");
                cr_expect(verb_has(&parsed.arguments, 'd'), "%s", forms[i]);
        }

        _cleanup_parsed_ Parsed shell = parse("shell|web|-u|www|");
        expect_operands(&shell, "web");
        expect_value(&shell, 'u', "www");
}

Test(verb, two_dashes_end_the_options) {
        _cleanup_parsed_ Parsed parsed = parse("validate|--|-d|--help|");

        expect_operands(&parsed, "-d|--help");
}

Test(verb, what_was_given_is_kept_in_order) {
        _cleanup_parsed_ Parsed parsed = parse("exec|-EA=1|-E|B|-tEA=2|web|env|");
        static const char *const values[] = { "A=1", "B", NULL, "A=2" };

        cr_assert_eq(parsed.arguments.n_given, ELEMENTSOF(values));
        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                const VerbGiven *given = &parsed.arguments.given[i];

                cr_expect_eq(given->option->letter, values[i] ? 'E' : 't');
                if (values[i])
                        cr_expect_str_eq(given->value, values[i]);
        }
}

/* The status of a mistake must not be one that could be the task's or the command's. */
Test(verb, a_mistake_is_no_exit_status_of_a_command) {
        static const char *const rows[] = {
                "exec|",
                "exec|web|",
                "exec|-t|",
                "exec|-t|web|",
                "exec|-x|web|id|",
                "exec|--no-such|web|id|",
                "exec|--tty=yes|web|id|",
                "exec|-u|",
                "exec|-w|srv|web|id|",
                "exec|-w||web|id|",
                "exec|-E|=1|web|id|",
                "exec|-E||web|id|",
                "shell|",
                "shell|web|id|",
                "shell|-u|www|",
                "run|",
                "run|a.yaml|b.yaml|",
                "run|--frozen|a.yaml|",
        };

        cr_redirect_stderr();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_parsed_ Parsed parsed = parse(rows[i]);

                cr_expect_eq(parsed.status, EXIT_OWN_FAILURE, "%s", rows[i]);
                cr_expect_null(parsed.arguments.given);
                cr_expect_null(parsed.arguments.operands);
        }
}

Test(verb, a_mistake_of_another_verb_is_a_wrong_usage) {
        static const char *const rows[] = { "attach|", "attach|a|b|", "attach|-t|a|", "ps|a|", "stop|",
                "stop|-t|", "validate|", "docs|a|", "docs|-x|" };

        cr_redirect_stderr();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_parsed_ Parsed parsed = parse(rows[i]);

                cr_expect_eq(parsed.status, EXIT_USAGE, "%s", rows[i]);
        }
}

#define EXEC_USAGE "usage: nspawnctl exec [OPTION...] TASK COMMAND [ARGUMENT...]\n"
#define EXEC_OPTIONS "--tty, --user, --working-directory, --setenv, --help, --version"

/* One test each, because Criterion can redirect a stream only once in a test. */
static const struct {
        const char *words;
        const char *message;
} refusals[] = {
        { "exec|--frozen|web|id|",
                "nspawnctl: exec: \"--frozen\" is not one of its options: " EXEC_OPTIONS "\n" EXEC_USAGE },
        { "exec|-tx|web|id|",
                "nspawnctl: exec: \"-x\" is not one of its options: " EXEC_OPTIONS "\n" EXEC_USAGE },
        { "exec|--user|", "nspawnctl: exec: --user needs a value: USER[:GROUP]\n" EXEC_USAGE },
        { "exec|-u|", "nspawnctl: exec: --user needs a value: USER[:GROUP]\n" EXEC_USAGE },
        { "exec|--tty=yes|web|id|", "nspawnctl: exec: --tty takes no value\n" EXEC_USAGE },
        { "exec|-w|srv|web|id|",
                "nspawnctl: exec: --working-directory: \"srv\" is not allowed: must be an absolute path\n" EXEC_USAGE },
        { "exec|web|", "nspawnctl: exec: an operand is missing: TASK COMMAND [ARGUMENT...]\n" EXEC_USAGE },
        { "docs|--ver|",
                "nspawnctl: docs: \"--ver\" is short for several options: --verbs, --version\n"
                "usage: nspawnctl docs [OPTION...]\n" },
        { "ps|web|", "nspawnctl: ps: the operand \"web\" is one too many\nusage: nspawnctl ps\n" },
        { "rum|a.yaml|",
                "nspawnctl: there is no verb \"rum\"\n"
                "usage: nspawnctl VERB ... (nspawnctl --help lists all verbs)\n" },
        { "--detach|run|a.yaml|",
                "nspawnctl: \"--detach\" is not one of its options: --help, --version\n"
                "usage: nspawnctl VERB ... (nspawnctl --help lists all verbs)\n" },
};

ParameterizedTestParameters(verb, a_refusal_names_the_mistake_and_what_is_allowed) {
        static size_t rows[ELEMENTSOF(refusals)];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                rows[i] = i;
        return cr_make_param_array(size_t, rows, ELEMENTSOF(rows));
}

ParameterizedTest(const size_t *row, verb, a_refusal_names_the_mistake_and_what_is_allowed) {
        cr_redirect_stderr();
        cr_expect_neq(run(refusals[*row].words), EXIT_SUCCESS);
        (void) fflush(stderr);
        cr_expect_stderr_eq_str(refusals[*row].message);
}

Test(verb, an_unknown_verb_is_a_wrong_usage) {
        cr_redirect_stderr();
        cr_expect_eq(run("rum|a.yaml|"), EXIT_USAGE);
        cr_expect_eq(run("ru|a.yaml|"), EXIT_USAGE);
        cr_expect_eq(run("--detach|run|a.yaml|"), EXIT_USAGE);
        cr_expect_eq(run(""), EXIT_USAGE);
}

Test(verb, help_and_version_are_no_failures) {
        static const char *const rows[] = { "--help|", "-h|", "help|", "--version|", "--vers|",
                "--help|nosuch|" };

        cr_redirect_stdout();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                cr_expect_eq(run(rows[i]), EXIT_SUCCESS, "%s", rows[i]);
        for (const Verb *verb = verb_table; verb->name; verb++) {
                static const char *const options[] = { "--help", "-h", "--version" };

                for (size_t i = 0; i < ELEMENTSOF(options); i++) {
                        _cleanup_free_ char *text = xasprintf("%s|%s|", verb->name, options[i]);

                        cr_expect_eq(run(text), EXIT_SUCCESS, "%s", text);
                }
        }
        cr_expect_eq(run("exec|-t|--help|"), EXIT_SUCCESS);
}

/* The code that reads the table relies on this. */
Test(verb, rows_are_whole_and_letters_stand_for_one_option) {
        for (const Verb *verb = verb_table; verb->name; verb++) {
                bool taken[256] = { ['h'] = true };
                size_t n = 2; /* options that every verb has */

                cr_expect(verb->operands && verb->doc && verb->run, "%s", verb->name);
                cr_expect_leq(verb->n_operands_min, verb->n_operands_max, "%s", verb->name);
                cr_expect_eq(*verb->operands == 0, verb->n_operands_max == 0, "%s", verb->name);
                cr_expect_eq(verb_find(verb_table, verb->name), verb);
                for (const VerbOption *option = verb->options; option && option->name; option++) {
                        cr_expect_neq(option->letter, 0, "%s --%s", verb->name, option->name);
                        cr_expect_not(
                                taken[(unsigned char) option->letter], "%s -%c", verb->name, option->letter);
                        taken[(unsigned char) option->letter] = true;
                        n++;
                        cr_expect(option->value || !option->check, "%s --%s", verb->name, option->name);
                }
                cr_expect_leq(n, VERB_OPTIONS_MAX, "%s", verb->name);
        }
}
