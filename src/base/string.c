/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/string.h"

static _noreturn_ void out_of_memory(void) {
        (void) fputs("out of memory\n", stderr);
        abort();
}

void *xcalloc(size_t n, size_t size) {
        void *p = calloc(n ? n : 1, size ? size : 1);

        if (!p)
                out_of_memory();
        return p;
}

void *xreallocarray(void *p, size_t n, size_t size) {
        void *q = reallocarray(p, n ? n : 1, size ? size : 1);

        if (!q)
                out_of_memory();
        return q;
}

void *xgrow(void *p, size_t n, size_t size) {
        bool full = (n & (n - 1)) == 0; /* 0, or a power of two */

        return full ? xreallocarray(p, n > 0 ? 2 * n : 1, size) : p;
}

char *xstrdup(const char *s) {
        return xmemdup(s, strlen(s) + 1);
}

char *xstrndup(const char *s, size_t n) {
        size_t length = strnlen(s, n);
        char *copy = xcalloc(length + 1, 1);

        memcpy(copy, s, length);
        return copy;
}

void *xmemdup(const void *p, size_t n) {
        void *copy = xcalloc(n, 1);

        if (n > 0)
                memcpy(copy, p, n);
        return copy;
}

char *xvasprintf(const char *format, va_list ap) {
        char *s;

        if (vasprintf(&s, format, ap) < 0)
                out_of_memory();
        return s;
}

char *xasprintf(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        char *s = xvasprintf(format, ap);
        va_end(ap);
        return s;
}

/* Length of the UTF-8 sequence at @s, at most @n bytes; 0 when it is none. */
static size_t utf8_sequence(const unsigned char *s, size_t n) {
        static const struct {
                unsigned char low, high;   /* first byte */
                unsigned char low2, high2; /* second byte */
                size_t length;
        } forms[] = {
                { 0xc2, 0xdf, 0x80, 0xbf, 2 },
                { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
                { 0xe1, 0xec, 0x80, 0xbf, 3 },
                { 0xed, 0xed, 0x80, 0x9f, 3 },
                { 0xee, 0xef, 0x80, 0xbf, 3 },
                { 0xf0, 0xf0, 0x90, 0xbf, 4 },
                { 0xf1, 0xf3, 0x80, 0xbf, 4 },
                { 0xf4, 0xf4, 0x80, 0x8f, 4 },
        };

        if (s[0] < 0x80)
                return 1;

        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                if (s[0] < forms[i].low || s[0] > forms[i].high)
                        continue;
                if (n < forms[i].length || s[1] < forms[i].low2 || s[1] > forms[i].high2)
                        return 0;
                for (size_t j = 2; j < forms[i].length; j++)
                        if ((s[j] & 0xc0) != 0x80)
                                return 0;
                return forms[i].length;
        }

        return 0;
}

bool utf8_is_valid(const char *s, size_t n) {
        const unsigned char *p = (const unsigned char *) s;

        while (n > 0) {
                size_t k = utf8_sequence(p, n);

                if (k == 0)
                        return false;
                p += k;
                n -= k;
        }

        return true;
}

/* C0, DEL, and U+0080 to U+009F, which drive terminals too. */
static bool utf8_is_control(const unsigned char *s, size_t k) {
        return *s < ' ' || *s == 0x7f || (k == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

static void append_clean(StringBuffer *buffer, const char *s, size_t n, bool line) {
        const unsigned char *p = (const unsigned char *) s;

        while (n > 0) {
                size_t k = *p ? utf8_sequence(p, n) : 0;

                if (k == 0)
                        string_buffer_append_bytes(buffer, "\xef\xbf\xbd", 3);
                else if (line && utf8_is_control(p, k))
                        string_buffer_append_bytes(buffer, " ", 1);
                else
                        string_buffer_append_bytes(buffer, p, k);
                p += k ? k : 1;
                n -= k ? k : 1;
        }
}

char *utf8_sanitize(const char *s, size_t n) {
        _cleanup_string_buffer_ StringBuffer buffer = {};

        append_clean(&buffer, s, n, false);
        return string_buffer_take(&buffer);
}

char *string_make_line(const char *s, size_t max) {
        _cleanup_string_buffer_ StringBuffer buffer = {};
        size_t n = strnlen(s, max);
        bool cut = s[n];

        /* Not in the middle of a character. */
        while (cut && n > 0 && ((unsigned char) s[n] & 0xc0) == 0x80)
                n--;

        append_clean(&buffer, s, n, true);
        if (cut)
                string_buffer_append_bytes(&buffer, "...", 3);
        return string_buffer_take(&buffer);
}

size_t string_distance(const char *a, const char *b) {
        size_t n = strlen(b);
        size_t *row = xnew(size_t, n + 1);

        /* row[j] is the distance between what is read of a so far and the first j letters of b. */
        for (size_t j = 0; j <= n; j++)
                row[j] = j;
        for (; *a; a++) {
                size_t diagonal = row[0]++;

                for (size_t j = 1; j <= n; j++) {
                        size_t best = diagonal + (*a != b[j - 1]);

                        diagonal = row[j];
                        if (row[j] + 1 < best)
                                best = row[j] + 1;
                        if (row[j - 1] + 1 < best)
                                best = row[j - 1] + 1;
                        row[j] = best;
                }
        }

        size_t distance = row[n];
        free(row);
        return distance;
}

bool string_parse_u64(const char *s, uint64_t *ret) {
        uint64_t value = 0;

        if (!*s)
                return false;

        for (; *s; s++) {
                unsigned digit = (unsigned) (*s - '0');

                if (*s < '0' || *s > '9' || __builtin_mul_overflow(value, 10, &value) ||
                        __builtin_add_overflow(value, digit, &value))
                        return false;
        }

        *ret = value;
        return true;
}

void string_buffer_clear(StringBuffer *buffer) {
        free(buffer->text);
        *buffer = (StringBuffer){};
}

void string_buffer_append_bytes(StringBuffer *buffer, const void *bytes, size_t n) {
        if (!buffer->text || buffer->size - buffer->length < n + 1) {
                buffer->size = (buffer->length + n + 1) * 2;
                buffer->text = xreallocarray(buffer->text, buffer->size, 1);
        }

        if (n > 0)
                memcpy(buffer->text + buffer->length, bytes, n);
        buffer->length += n;
        buffer->text[buffer->length] = 0;
}

void string_buffer_append(StringBuffer *buffer, const char *format, ...) {
        _cleanup_free_ char *s = NULL;
        va_list ap;

        va_start(ap, format);
        s = xvasprintf(format, ap);
        va_end(ap);
        string_buffer_append_bytes(buffer, s, strlen(s));
}

char *string_buffer_take(StringBuffer *buffer) {
        char *s = buffer->text ? TAKE_PTR(buffer->text) : xstrdup("");

        string_buffer_clear(buffer);
        return s;
}

uint64_t string_hash(const char *s) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (; *s; s++)
                hash = (hash ^ (unsigned char) *s) * UINT64_C(0x100000001b3);
        return hash;
}
