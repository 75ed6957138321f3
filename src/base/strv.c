/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "base/strv.h"

char **strv_free(char **list) {
        STRV_FOREACH (s, list)
                free(*s);
        free(list);
        return NULL;
}

size_t strv_length(char *const *list) {
        size_t n = 0;

        STRV_FOREACH (s, list)
                n++;
        return n;
}

bool strv_contains(char *const *list, const char *s) {
        STRV_FOREACH (i, list)
                if (streq(*i, s))
                        return true;
        return false;
}

bool strv_equal(char *const *a, char *const *b) {
        size_t n = strv_length(a);

        if (n != strv_length(b))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!streq(a[i], b[i]))
                        return false;
        return true;
}

char **strv_copy(char *const *list) {
        char **copy = NULL;

        STRV_FOREACH (s, list)
                strv_append(&copy, *s);
        return copy;
}

void strv_consume(char ***list, char *s) {
        size_t n = strv_length(*list);

        *list = xreallocarray(*list, n + 2, sizeof(char *));
        (*list)[n] = s;
        (*list)[n + 1] = NULL;
}

void strv_append(char ***list, const char *s) {
        if (s)
                strv_consume(list, xstrdup(s));
}

void strv_appendf(char ***list, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        strv_consume(list, xvasprintf(format, ap));
        va_end(ap);
}

char *strv_join(char *const *list, const char *separator) {
        _cleanup_string_buffer_ StringBuffer buffer = {};

        STRV_FOREACH (s, list)
                string_buffer_append(&buffer, "%s%s", s == list ? "" : separator, *s);
        return string_buffer_take(&buffer);
}
