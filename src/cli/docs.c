/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "base/string.h"
#include "base/strv.h"
#include "cli/command.h"
#include "task/option.h"

/* Which section an option is in; each row of the table is in exactly one. */
static const struct {
        OptionUse use;
        const char *title;
} sections[] = {
        { OPTION_ANYWHERE, "In a job's `config` block and in a YAML file" },
        { OPTION_IN_YAML, "In a YAML file only" },
        { OPTION_IN_DRIVER, "In the `config` block of the agent's `plugin \"nomad-driver-nspawn\"` block" },
};

static void print_option(const Option *option) {
        _cleanup_free_ char *allowed = option->allowed
                ? strv_join((char *const *) (uintptr_t) option->allowed, ", ")
                : xstrdup("");

        (void) printf("| `%s` | %s | %s | %s%s%s%s |\n", option->name, option_kind_to_string(option->kind),
                option->required           ? "required"
                        : option->fallback ? option->fallback
                                           : "",
                option->doc, *allowed ? " One of: " : "", allowed, *allowed ? "." : "");
}

int command_docs(int argc, char **argv _unused_) {
        if (argc > 0)
                return (void) fprintf(stderr, "usage: nspawnctl docs\n"), EXIT_USAGE;

        (void) printf("# Options\n\nMade by `nspawnctl docs` from the option table.\n");
        for (size_t i = 0; i < ELEMENTSOF(sections); i++) {
                (void) printf("\n## %s\n\n| option | type | default | meaning |\n|---|---|---|---|\n",
                        sections[i].title);
                OPTION_FOREACH (option)
                        if (option->use == sections[i].use)
                                print_option(option);
        }
        return EXIT_SUCCESS;
}
