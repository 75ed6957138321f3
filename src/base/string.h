/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <string.h>

#include "base/macro.h"

/*
 * Memory and strings.
 *
 * The x functions abort the process when there is no memory. Both programs can simply be started again,
 * since every task lives in systemd, and the code needs no error paths that nobody can test. Data from
 * outside is limited in size where we receive it.
 */
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
/* Makes room for one more item in an array of @n items. The size doubles at each power of two, so the array
 * must only ever grow by this function. */
void *xgrow(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
void *xmemdup(const void *p, size_t n);
char *xasprintf(const char *format, ...) _printf_(1, 2);
char *xvasprintf(const char *format, va_list ap) _printf_(1, 0);

#define xnew(type, n) ((type *) xcalloc((n), sizeof(type)))

/* NULL stays NULL. */
static inline char *xstrdup_null(const char *s) {
        return s ? xstrdup(s) : NULL;
}

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* As streq(), but either may be NULL, which equals only NULL. */
static inline bool streq_null(const char *a, const char *b) {
        return a == b || (a && b && streq(a, b));
}

static inline bool string_is_empty(const char *s) {
        return !s || !*s;
}

/* Return: the rest of @s behind @prefix, or NULL when @s does not begin with it. */
static inline const char *string_after_prefix(const char *s, const char *prefix) {
        size_t n = strlen(prefix);

        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

static inline bool string_has_suffix(const char *s, const char *suffix) {
        size_t n = strlen(s), m = strlen(suffix);

        return n >= m && streq(s + n - m, suffix);
}

/* Replaces what @p holds by a copy of @s. */
static inline void string_replace(char **p, const char *s) {
        char *copy = xstrdup_null(s);

        free(*p);
        *p = copy;
}

/* Return: whether the @n bytes at @s are UTF-8 (RFC 3629: shortest form, no surrogates). */
bool utf8_is_valid(const char *s, size_t n);

/* Return: a copy of the @n bytes at @s, with U+FFFD for what is not UTF-8 or is NUL. */
char *utf8_sanitize(const char *s, size_t n);

/**
 * string_make_line() - make untrusted text fit into one line of a message
 * @max: the most bytes of @s to copy
 *
 * Return: a copy for the caller, in UTF-8, with spaces for control characters and "..." where it was cut.
 */
char *string_make_line(const char *s, size_t max);

/* Return: a hash of @s, the same on every host (Fowler-Noll-Vo 1a); not for cryptography. */
uint64_t string_hash(const char *s);

/* Return: how many letters must be changed, added or removed to turn @a into @b (Levenshtein). */
size_t string_distance(const char *a, const char *b);

/* Return: whether @s is a decimal number without sign that fits; stores it in @ret then. */
bool string_parse_u64(const char *s, uint64_t *ret);

/* A growing string. Zero-initialised is empty; text is NULL until something was appended. */
typedef struct StringBuffer {
        char *text;
        size_t length;
        size_t size;
} StringBuffer;

void string_buffer_clear(StringBuffer *buffer);
#define _cleanup_string_buffer_ _cleanup_(string_buffer_clear)

void string_buffer_append(StringBuffer *buffer, const char *format, ...) _printf_(2, 3);
void string_buffer_append_bytes(StringBuffer *buffer, const void *bytes, size_t n);

/* Return: the text, owned by the caller, never NULL; the buffer is empty afterwards. */
char *string_buffer_take(StringBuffer *buffer);
