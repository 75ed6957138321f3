/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>

#include "base/string.h"
#include "engine/phase.h"

StartPhase start_fail(Start *start, int code, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        _cleanup_free_ char *message = xvasprintf(format, ap);
        va_end(ap);
        (void) error_set(&start->error, code, "%s", message);
        return START_FAILED;
}
