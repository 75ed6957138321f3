/* SPDX-License-Identifier: Apache-2.0 */

#include <getopt.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/string.h"
#include "base/strv.h"
#include "cli/verb.h"

/* Stands for the program itself: its options are parsed as a verb's, and its first operand is the verb. */
static const Verb program = { .name = "nspawnctl", .operands = "", .flags = VERB_COMMAND };

/* For a long option getopt_long() returns this plus the option's place in the list; letters are smaller. */
#define LONG_OPTION 256

/* What getopt_long() needs for a verb: its own options and those that every verb has. */
typedef struct Parser {
        const Verb *verb;
        const VerbOption *options[VERB_OPTIONS_MAX];
        struct option names[VERB_OPTIONS_MAX + 1];
        size_t n;
        StringBuffer letters;
} Parser;

static void parser_add(Parser *parser, const VerbOption *options) {
        for (const VerbOption *option = options; option && option->name; option++) {
                parser->options[parser->n] = option;
                parser->names[parser->n] = (struct option){
                        .name = option->name,
                        .has_arg = option->value ? required_argument : no_argument,
                        .val = LONG_OPTION + (int) parser->n,
                };
                parser->names[++parser->n] = (struct option){};
                if (option->letter)
                        string_buffer_append(
                                &parser->letters, "%c%s", option->letter, option->value ? ":" : "");
        }
}

static void parser_open(Parser *parser, const Verb *verb) {
        *parser = (Parser){ .verb = verb };
        /* getopt(3): "+" ends the options at the first operand, ":" leaves the messages to us. */
        string_buffer_append(&parser->letters, "%s:", verb->flags & VERB_COMMAND ? "+" : "");
        parser_add(parser, verb->options);
        parser_add(parser, verb_common_options);
}

static void parser_close(Parser *parser) {
        string_buffer_clear(&parser->letters);
}

/* @value: as getopt_long() returns it. Return: the option, or NULL. */
static const VerbOption *parser_find(const Parser *parser, int value) {
        if (value >= LONG_OPTION)
                return parser->options[value - LONG_OPTION];
        for (size_t i = 0; i < parser->n; i++)
                if (value != 0 && parser->options[i]->letter == value)
                        return parser->options[i];
        return NULL;
}

static int usage_status(const Verb *verb) {
        return verb->flags & VERB_STATUS ? EXIT_OWN_FAILURE : EXIT_USAGE;
}

/* Prints a message about the command line and the usage line. Return: the exit status. */
static int refuse(const Verb *verb, const char *format, ...) _printf_(2, 3);
static int refuse(const Verb *verb, const char *format, ...) {
        _cleanup_free_ char *message = NULL;
        va_list ap;

        va_start(ap, format);
        message = xvasprintf(format, ap);
        va_end(ap);
        if (verb == &program)
                app_print("%s", message);
        else
                app_print("%s: %s", verb->name, message);
        verb_print_usage(stderr, verb == &program ? NULL : verb);
        return usage_status(verb);
}

/* Return: the names of the long options that begin with @prefix, owned by the caller. */
static char *list_options(const Parser *parser, const char *prefix, size_t n) {
        StringBuffer list = {};

        for (size_t i = 0; i < parser->n; i++)
                if (strncmp(parser->options[i]->name, prefix, n) == 0)
                        string_buffer_append(
                                &list, "%s--%s", list.length > 0 ? ", " : "", parser->options[i]->name);
        return string_buffer_take(&list);
}

/* @word: the word of the command line that getopt_long() stopped at. */
static int refuse_option(const Parser *parser, int code, const char *word) {
        const VerbOption *option = parser_find(parser, optopt);

        if (option && code == ':')
                return refuse(parser->verb, "--%s needs a value: %s", option->name, option->value);
        if (option)
                return refuse(parser->verb, "--%s takes no value", option->name);

        _cleanup_free_ char *all = list_options(parser, "", 0);
        if (optopt)
                return refuse(parser->verb, "\"-%c\" is not one of its options: %s", optopt, all);

        /* Long options may be shortened, but only as far as they differ from all others. */
        const char *name = word + strspn(word, "-");
        _cleanup_free_ char *similar = list_options(parser, name, strcspn(name, "="));
        if (*similar)
                return refuse(parser->verb, "\"%s\" is short for several options: %s", word, similar);
        return refuse(parser->verb, "\"%s\" is not one of its options: %s", word, all);
}

/* Return: -1 to go on, or the exit status. */
static int take_option(
        const Verb *verb, const Verb *table, const VerbOption *option, VerbArguments *arguments) {
        const VerbGiven given = { option, option->value ? optarg : NULL };
        const char *wanted = option->check ? option->check(given.value) : NULL;

        if (wanted)
                return refuse(
                        verb, "--%s: \"%s\" is not allowed: must be %s", option->name, given.value, wanted);
        if (option == &verb_common_options[VERB_OPTION_HELP]) {
                if (table)
                        verb_print_program_help(stdout, table);
                else
                        verb_print_help(stdout, verb);
                return EXIT_SUCCESS;
        }
        if (option == &verb_common_options[VERB_OPTION_VERSION]) {
                (void) puts("nspawnctl " PROJECT_VERSION);
                return EXIT_SUCCESS;
        }

        arguments->given = xreallocarray(
                arguments->given, arguments->n_given + 1, sizeof(*arguments->given));
        arguments->given[arguments->n_given++] = given;
        return -1;
}

/* Return: -1 to go on, or the exit status. */
static int check_operands(const Verb *verb, const VerbArguments *arguments) {
        if (verb == &program)
                return -1;
        if (arguments->n_operands < verb->n_operands_min)
                return refuse(verb, "an operand is missing: %s", verb->operands);
        if (arguments->n_operands > verb->n_operands_max)
                return refuse(verb, "the operand \"%s\" is one too many",
                        arguments->operands[verb->n_operands_max]);
        return -1;
}

/* @table: all verbs if @verb is the program itself, otherwise NULL */
static int parse_words(const Verb *verb, const Verb *table, int argc, char **argv, VerbArguments *ret) {
        _cleanup_verb_arguments_ VerbArguments arguments = { .verb = verb };
        _cleanup_(parser_close) Parser parser;
        int code, status = -1;

        *ret = (VerbArguments){};
        parser_open(&parser, verb);
        optind = 0; /* lets glibc start again */
        opterr = 0;
        while (status < 0 &&
                (code = getopt_long(argc, argv, parser.letters.text, parser.names, NULL)) >= 0) {
                const VerbOption *option = parser_find(&parser, code);

                status = option ? take_option(verb, table, option, &arguments)
                                : refuse_option(&parser, code, argv[optind - 1]);
        }

        arguments.operands = argv + optind;
        arguments.n_operands = (size_t) (argc - optind);
        if (status < 0)
                status = check_operands(verb, &arguments);
        if (status < 0) {
                *ret = arguments;
                arguments = (VerbArguments){};
        }
        return status;
}

int verb_parse(const Verb *verb, int argc, char **argv, VerbArguments *ret) {
        return parse_words(verb, NULL, argc, argv, ret);
}

void verb_arguments_clear(VerbArguments *arguments) {
        free(arguments->given);
        *arguments = (VerbArguments){};
}

bool verb_has(const VerbArguments *arguments, char letter) {
        for (size_t i = 0; i < arguments->n_given; i++)
                if (arguments->given[i].option->letter == letter)
                        return true;
        return false;
}

const char *verb_value(const VerbArguments *arguments, char letter) {
        const char *value = NULL;

        for (size_t i = 0; i < arguments->n_given; i++)
                if (arguments->given[i].option->letter == letter)
                        value = arguments->given[i].value;
        return value;
}

static int run_verb(App *app, const Verb *verb, int argc, char **argv) {
        _cleanup_verb_arguments_ VerbArguments arguments = {};
        int status = verb_parse(verb, argc, argv, &arguments);

        if (status >= 0)
                return status;
        if ((verb->flags & VERB_ROOT) && geteuid() != 0)
                return app_fail(app, "%s: only root can reach into tasks", verb->name);
        return verb->run(app, &arguments);
}

const Verb *verb_find(const Verb *table, const char *name) {
        for (const Verb *verb = table; verb->name; verb++)
                if (streq(verb->name, name))
                        return verb;
        return NULL;
}

int verb_main(App *app, const Verb *table, int argc, char **argv) {
        _cleanup_verb_arguments_ VerbArguments arguments = {};
        int status = parse_words(&program, table, argc, argv, &arguments);

        if (status >= 0)
                return status;
        app->verbs = table;
        if (arguments.n_operands == 0) {
                verb_print_program_help(stderr, table);
                return EXIT_USAGE;
        }

        const char *name = arguments.operands[0];
        const Verb *verb = verb_find(table, name);
        if (verb)
                return run_verb(app, verb, (int) arguments.n_operands, arguments.operands);
        if (streq(name, "help")) {
                verb_print_program_help(stdout, table);
                return EXIT_SUCCESS;
        }

        return refuse(&program, "there is no verb \"%s\"", name);
}
