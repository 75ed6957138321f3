/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "task/diagnostics.h"

void diagnostics_clear(Diagnostics *d) {
        for (size_t i = 0; i < d->n_items; i++) {
                free(d->items[i].option);
                free(d->items[i].text);
        }
        for (size_t i = 0; i < d->n_places; i++) {
                free(d->places[i].option);
                free(d->places[i].shown);
        }
        free(d->items);
        free(d->places);
        *d = (Diagnostics){};
}

void diagnostics_note(
        Diagnostics *d, const char *option, unsigned line, unsigned column, const char *shown) {
        d->places = xreallocarray(d->places, d->n_places + 1, sizeof(OptionPlace));
        d->places[d->n_places++] = (OptionPlace){
                .option = xstrdup(option),
                .line = line,
                .column = column,
                .shown = xstrdup_null(shown),
        };
}

static const OptionPlace *find_place(const Diagnostics *d, const char *option, size_t n) {
        for (size_t i = 0; i < d->n_places; i++)
                if (strlen(d->places[i].option) == n && strncmp(d->places[i].option, option, n) == 0)
                        return &d->places[i];
        return NULL;
}

/* Return: length of the name of the block that @option is in; 0 when it is in none. */
static size_t block_length(const char *option, size_t n) {
        const char *dot = memrchr(option, '.', n);

        return dot ? (size_t) (dot - option) : 0;
}

bool diagnostics_is_given(const Diagnostics *d, const char *option) {
        return find_place(d, option, strlen(option)) != NULL;
}

bool diagnostics_is_unread(const Diagnostics *d, const char *option) {
        for (size_t n = strlen(option); n > 0; n = block_length(option, n))
                for (size_t i = 0; i < d->n_items; i++) {
                        const Diagnostic *item = &d->items[i];

                        if (item->unread && item->option && strlen(item->option) == n &&
                                strncmp(item->option, option, n) == 0)
                                return true;
                }
        return false;
}

/* Takes ownership of @text. Makes it one line, even if a value in it has newlines. */
static void append(Diagnostics *d, const char *option, const Diagnostic *item, char *text) {
        _cleanup_free_ char *owned = text;

        d->items = xreallocarray(d->items, d->n_items + 1, sizeof(Diagnostic));
        d->items[d->n_items] = *item;
        d->items[d->n_items].option = option ? string_make_line(option, SIZE_MAX) : NULL;
        d->items[d->n_items].text = string_make_line(owned, SIZE_MAX);
        d->n_items++;
}

int diagnostics_make(Diagnostics *d, const char *option, int code, const char *format, ...) {
        Diagnostic item = { .line = d->line, .column = d->column, .code = code ? abs(code) : EIO };
        const OptionPlace *place = NULL;
        va_list ap;

        for (size_t n = option ? strlen(option) : 0; n > 0 && !place; n = block_length(option, n))
                place = find_place(d, option, n);
        if (place) {
                item.line = place->line;
                item.column = place->column;
        }

        va_start(ap, format);
        append(d, option, &item, xvasprintf(format, ap));
        va_end(ap);
        return -item.code;
}

int diagnostics_make_unread(
        Diagnostics *d, const char *option, unsigned line, unsigned column, const char *format, ...) {
        const Diagnostic item = { .line = line, .column = column, .code = EINVAL, .unread = true };
        va_list ap;

        va_start(ap, format);
        append(d, option, &item, xvasprintf(format, ap));
        va_end(ap);
        return -EINVAL;
}

char *diagnostics_to_string(const Diagnostics *d) {
        _cleanup_string_buffer_ StringBuffer buffer = {};

        for (size_t i = 0; i < d->n_items; i++) {
                const Diagnostic *item = &d->items[i];

                if (i > 0)
                        string_buffer_append(&buffer, "\n");
                if (d->source)
                        string_buffer_append(&buffer, "%s:%u:%u: ", d->source, item->line, item->column);
                if (item->option)
                        string_buffer_append(&buffer, "%s: ", item->option);
                string_buffer_append(&buffer, "%s", item->text);
        }
        return d->n_items > 0 ? string_buffer_take(&buffer) : NULL;
}

int diagnostics_to_error(const Diagnostics *d, Error **ret_error) {
        _cleanup_free_ char *text = diagnostics_to_string(d);

        return text ? error_set(ret_error, d->items[0].code, "%s", text) : 0;
}
