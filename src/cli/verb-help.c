/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "cli/verb.h"

#define COLUMN "  %-32s %s\n"

const VerbOption verb_common_options[] = {
        [VERB_OPTION_HELP] = { 'h', "help", NULL, "Show this help", NULL },
        [VERB_OPTION_VERSION] = { 0, "version", NULL, "Show the version", NULL },
        {},
};

/* Texts for --help and for the reference. */

static const char task_text[] =
        "TASK is the name of a task, of its machine or of its unit, or the id of its Nomad allocation: the whole id,\n"
        "or its beginning as Nomad shows it (8 characters or more). Where an allocation has several tasks, add the\n"
        "name of one: 8eeb9876/web.\n";

static const char owner_text[] =
        "The column OWNER of ps is \"nomad\" for a task of Nomad's, \"nobody\" when the Nomad node that started the\n"
        "task has lost its state, \"unknown\" when nspawnctl cannot find that out, and \"-\" for tasks of nspawnctl.\n"
        "Only root can see owners.\n";

static const struct {
        const char *status;
        const char *doc;
} statuses[] = {
        { "0", "Success. attach: the task ended, or you left it with ^] or Ctrl-C" },
        { "1", "validate: a file has mistakes" },
        { "2", "The command line is wrong; run, exec and shell exit with 125 for that" },
        { "125", "nspawnctl itself failed: no such task, no connection to systemd, a start that failed" },
        { "126", "exec, shell: the command cannot be executed" },
        { "127", "exec, shell: the command was not found" },
        { "128+N", "Signal N ended nspawnctl, or the task or command that it ran (run, exec, shell)" },
        { "others", "run: the status of the task; exec, shell: the status of the command" },
};

static bool has_options(const Verb *verb) {
        return verb->options && verb->options->name;
}

/* Return: the verb with its operands, owned by the caller. */
static char *synopsis(const Verb *verb) {
        return xasprintf("%s%s%s%s", verb->name, has_options(verb) ? " [OPTION...]" : "",
                *verb->operands ? " " : "", verb->operands);
}

/* Return: the option as it is typed, owned by the caller. */
static char *option_synopsis(const VerbOption *option) {
        _cleanup_free_ char *letter = option->letter ? xasprintf("-%c, ", option->letter) : xstrdup("    ");

        return xasprintf("%s--%s%s%s", letter, option->name, option->value ? "=" : "",
                option->value ? option->value : "");
}

static void print_options(FILE *file, const VerbOption *options) {
        for (const VerbOption *option = options; option && option->name; option++) {
                _cleanup_free_ char *text = option_synopsis(option);

                (void) fprintf(file, COLUMN, text, option->doc);
        }
}

static void print_statuses(FILE *file) {
        (void) fputs("\nExit status:\n", file);
        for (size_t i = 0; i < ELEMENTSOF(statuses); i++)
                (void) fprintf(file, "  %-7s %s\n", statuses[i].status, statuses[i].doc);
}

void verb_print_usage(FILE *file, const Verb *verb) {
        _cleanup_free_ char *text = verb ? synopsis(verb)
                                         : xstrdup("VERB ... (nspawnctl --help lists all verbs)");

        (void) fprintf(file, "usage: nspawnctl %s\n", text);
}

void verb_print_program_help(FILE *file, const Verb *table) {
        (void) fputs("usage: nspawnctl VERB ...\n\nRun containers as systemd units.\n\nVerbs:\n", file);
        for (const Verb *verb = table; verb->name; verb++) {
                _cleanup_free_ char *text = xasprintf(
                        "%s%s%s", verb->name, *verb->operands ? " " : "", verb->operands);

                (void) fprintf(file, COLUMN, text, verb->doc);
        }
        (void) fputs("\nOptions (each verb has them too; nspawnctl VERB --help lists them all):\n", file);
        print_options(file, verb_common_options);
        (void) fprintf(file, "\n%s\n%s", task_text, owner_text);
        print_statuses(file);
}

void verb_print_help(FILE *file, const Verb *verb) {
        verb_print_usage(file, verb);
        (void) fprintf(file, "\n%s.\n\n", verb->doc);
        print_options(file, verb->options);
        print_options(file, verb_common_options);
        if (verb->flags & VERB_TASK)
                (void) fprintf(file, "\n%s", task_text);
        if (verb->flags & VERB_STATUS)
                print_statuses(file);
}

void verb_print_reference(const Verb *table) {
        (void) printf("# nspawnctl\n\nMade by `nspawnctl docs --verbs` from the table of verbs.\n");
        for (const Verb *verb = table; verb->name; verb++) {
                _cleanup_free_ char *text = synopsis(verb);

                (void) printf("\n## `nspawnctl %s`\n\n%s.%s\n", text, verb->doc,
                        verb->flags & VERB_ROOT ? " Only root may use it." : "");
                if (has_options(verb))
                        (void) printf("\n| option | meaning |\n|---|---|\n");
                for (const VerbOption *option = verb->options; option && option->name; option++)
                        (void) printf("| `-%c`, `--%s%s%s` | %s |\n", option->letter, option->name,
                                option->value ? "=" : "", option->value ? option->value : "", option->doc);
        }

        (void) printf("\n## Words\n\n%s\n%s", task_text, owner_text);
        (void) printf("\n## Exit status\n\n| status | meaning |\n|---|---|\n");
        for (size_t i = 0; i < ELEMENTSOF(statuses); i++)
                (void) printf("| %s | %s |\n", statuses[i].status, statuses[i].doc);
}
