/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "base/string.h"
#include "cli/verb.h"
#include "task/option.h"

/* The sections of the reference. Each option is in exactly one of them. */
static const struct {
        OptionUse use;
        const char *title;
} sections[] = {
        { OPTION_ANYWHERE, "In a job's `config` block and in a YAML file" },
        { OPTION_IN_YAML, "In a YAML file only" },
        { OPTION_FROM_NOMAD, "In a job's `task` block, beside `config`" },
        { OPTION_IN_DRIVER, "In the `config` block of the agent's `plugin \"nomad-driver-nspawn\"` block" },
};

static const char *const gates[] = { "volumes", "caps", "privileged", "properties" };

static const char *default_of(const Option *option) {
        if (option->required)
                return "required";
        if (option->default_doc)
                return option->default_doc;
        return option->default_text ? option->default_text : "";
}

static void print_option(const char *name, const Option *option, void *userdata) {
        const OptionUse *use = userdata;

        if (option->use != *use)
                return;
        (void) printf("| `%s` | %s | %s | %s", name, option_kind_to_string(option->kind), default_of(option),
                option->doc);
        for (const OptionValue *v = option->values; v && v->name; v++)
                (void) printf("%s `%s`: %s%s", v == option->values ? "" : ";", v->name, v->doc,
                        v[1].name ? "" : ".");
        for (size_t i = 0; i < ELEMENTSOF(gates); i++)
                if (option->gate & (1U << i))
                        (void) printf(" The operator must allow %s.", gates[i]);
        if (option->isolations == ISOLATION_NSPAWN)
                (void) printf(" Only with systemd-nspawn.");
        if (option->since > 0)
                (void) printf(" Needs systemd %u or newer.", option->since);
        (void) printf(" |\n");
}

int docs_main(App *app, const VerbArguments *arguments) {
        if (verb_has(arguments, 'v')) {
                verb_print_reference(app->verbs);
                return EXIT_SUCCESS;
        }

        (void) printf("# Options\n\nMade by `nspawnctl docs` from the option table.\n");
        for (size_t i = 0; i < ELEMENTSOF(sections); i++) {
                OptionUse use = sections[i].use;

                (void) printf("\n## %s\n\n| option | type | default | meaning |\n|---|---|---|---|\n",
                        sections[i].title);
                option_visit(option_table_of(use), use, print_option, &use);
        }
        return EXIT_SUCCESS;
}
