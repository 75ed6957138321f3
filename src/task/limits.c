/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>

#include "base/string.h"
#include "base/strv.h"
#include "base/secrets-file.h"
#include "task/limits.h"

/* The most bytes of a variable's name in a message: the name may be as long as a value. */
#define NAME_SHOWN 64

uint64_t arguments_size(char *const *list) {
        uint64_t n = 0;

        STRV_FOREACH (text, list)
                n += strlen(*text) + 1 + sizeof(char *);
        return n;
}

static int check_arguments(char *const *command, Diagnostics *d) {
        size_t number = 0;
        int r = 0;

        STRV_FOREACH (text, command) {
                size_t n = strlen(*text);

                if (n > ARGUMENT_MAX)
                        r = diagnostics_add(d, "command", E2BIG,
                                "argument %zu (0 is the program) has %zu bytes, at most %" PRIu64
                                " are allowed",
                                number, n, ARGUMENT_MAX);
                number++;
        }
        return r;
}

static int check_variables(char *const *environment, Diagnostics *d) {
        int r = 0;

        STRV_FOREACH (text, environment) {
                size_t n = strlen(*text), name = strcspn(*text, "=");

                if (n > ARGUMENT_MAX)
                        r = diagnostics_add(d, "environment", E2BIG,
                                "the variable %.*s%s has %zu bytes with its name, at most "
                                "%" PRIu64 " are allowed",
                                (int) (name > NAME_SHOWN ? NAME_SHOWN : name), *text,
                                name > NAME_SHOWN ? "..." : "", n, ARGUMENT_MAX);
        }
        return r;
}

static int check_all(char *const *command, char *const *environment, Diagnostics *d) {
        const uint64_t file_allowed = SECRETS_FILE_MAX - ARGUMENTS_RESERVE,
                       allowed = ARGUMENTS_MAX - ARGUMENTS_RESERVE;
        uint64_t n = arguments_size(command) + arguments_size(environment), in_file = 0;

        /* The file of secrets contains the environment, and has a limit of its own. */
        STRV_FOREACH (text, environment)
                in_file += strlen(*text) + 2;
        if (in_file > file_allowed)
                return diagnostics_add(d, "environment", E2BIG,
                        "all variables together have %" PRIu64 " bytes, at most %" PRIu64 " are allowed",
                        in_file, file_allowed);
        if (n > allowed)
                return diagnostics_add(d, "command", E2BIG,
                        "all arguments and variables together take %" PRIu64 " bytes, at most %" PRIu64
                        " are allowed",
                        n, allowed);
        return 0;
}

int arguments_diagnose(char *const *command, char *const *environment, Diagnostics *d) {
        int r = check_arguments(command, d), k = check_variables(environment, d);

        r = r < 0 ? r : k;
        return r < 0 ? r : check_all(command, environment, d);
}

int arguments_check(char *const *command, char *const *environment, Error **ret_error) {
        _cleanup_diagnostics_ Diagnostics d = {};

        (void) arguments_diagnose(command, environment, &d);
        return diagnostics_to_error(&d, ret_error);
}
