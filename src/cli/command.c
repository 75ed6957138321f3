/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stdio.h>

#include "base/string.h"
#include "cli/command.h"

int command_fail(const char *format, ...) {
        _cleanup_free_ char *words = NULL;
        va_list ap;

        va_start(ap, format);
        words = xvasprintf(format, ap);
        va_end(ap);
        (void) fprintf(stderr, "nspawnctl: %s\n", words);
        return EXIT_OWN_FAILURE;
}
