/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Lists of strings: NULL-terminated arrays, where NULL is the empty list. Lists own their strings. */

char **strv_free(char **list);
DEFINE_CLEANUP(char **, strv_free)
#define _cleanup_strv_ _cleanup_(strv_freep)

size_t strv_length(char *const *list);
static inline bool strv_is_empty(char *const *list) {
        return !list || !*list;
}
bool strv_contains(char *const *list, const char *s);
bool strv_equal(char *const *a, char *const *b);
char **strv_copy(char *const *list);

/* Appends a copy of @s; NULL is ignored. */
void strv_append(char ***list, const char *s);
void strv_appendf(char ***list, const char *format, ...) _printf_(2, 3);
/* Appends @s itself, which the list owns from then on. */
void strv_consume(char ***list, char *s);
/* Return: the strings joined with @separator, owned by the caller. */
char *strv_join(char *const *list, const char *separator);

#define STRV_FOREACH(s, list) for (char *const *s = (list); s && *s; s++)
