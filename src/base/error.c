/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "base/string.h"

Error *error_free(Error *error) {
        if (!error)
                return NULL;

        free(error->message);
        free(error);
        return NULL;
}

int error_make(Error **ret_error, int code, const char *format, ...) {
        va_list ap;

        code = code ? abs(code) : EIO;

        if (!ret_error)
                return -code;

        va_start(ap, format);
        _cleanup_free_ char *message = xvasprintf(format, ap);
        va_end(ap);

        Error *error = *ret_error;
        if (error) {
                char *lines = xasprintf("%s\n%s", error->message, message);
                free(error->message);
                error->message = lines;
                return -code;
        }

        *ret_error = error = xnew(Error, 1);
        error->code = code;
        error->message = TAKE_PTR(message);
        return -code;
}

int error_prefix(Error **error, const char *format, ...) {
        _cleanup_free_ char *prefix = NULL;
        va_list ap;

        if (!error || !*error)
                return -EIO;

        va_start(ap, format);
        prefix = xvasprintf(format, ap);
        va_end(ap);

        char *message = xasprintf("%s: %s", prefix, (*error)->message);
        free((*error)->message);
        (*error)->message = message;
        return -(*error)->code;
}

const char *error_message(const Error *error) {
        return error ? error->message : "unknown error";
}
