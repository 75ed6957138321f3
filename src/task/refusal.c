/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>

#include "base/string.h"
#include "task/refusal.h"

/* The most bytes of a value in a message. */
#define SHOWN_MAX 256

/* By how many letters a misspelled name may differ from the right one, to be suggested. */
#define ALIKE_MAX 2

char *value_to_text(const Value *value) {
        switch (value->type) {
        case VALUE_STRING:
                return xstrdup(value->string);
        case VALUE_INTEGER:
                return xasprintf("%" PRIi64, value->integer);
        case VALUE_BOOL:
                return xstrdup(value->boolean ? "true" : "false");
        case VALUE_FLOAT:
                return value->line == 0 ? xasprintf("%.15g", value->real) : NULL;
        default:
                return NULL;
        }
}

/* Return: a value as it may stand in a message, such as: a string ("maybe"). */
static char *value_show(const Option *option, const Value *value) {
        _cleanup_free_ char *text = option->secret ? NULL : value_to_text(value),
                            *line = text ? string_make_line(text, SHOWN_MAX) : NULL;
        const char *quote = value->type == VALUE_STRING ? "\"" : "",
                   *type = value_type_to_string(value->type);

        return line ? xasprintf("%s (%s%s%s)", type, quote, line, quote) : xstrdup(type);
}

int refuse_type(const OptionText *text, const Value *value, const char *wanted) {
        _cleanup_free_ char *shown = value_show(text->option, value);

        return diagnostics_add_unread(
                text->d, text->name, value->line, value->column, "must be %s, not %s", wanted, shown);
}

int refuse_string(const OptionText *text, const Value *value, const char *got, const char *wanted) {
        _cleanup_free_ char *shown = string_make_line(got, SHOWN_MAX);

        return diagnostics_add_unread(text->d, text->name, value->line, value->column,
                "\"%s\" is not allowed: must be %s", shown, wanted);
}

typedef struct Alike {
        const char *name; /* that was given */
        size_t least;     /* letters that differ */
        char *found;      /* the name that differs least */
} Alike;

static void compare_name(const char *name, const Option *option _unused_, void *userdata) {
        Alike *alike = userdata;
        size_t distance = string_distance(alike->name, name);

        if (distance > 0 && distance < alike->least) {
                alike->least = distance;
                string_replace(&alike->found, name);
        }
}

int refuse_unknown(const OptionText *text, const char *name, const Value *map, size_t i) {
        _cleanup_free_ char *shown = string_make_line(name, SHOWN_MAX);
        size_t half = strlen(shown) / 2;
        Alike alike = { .name = shown, .least = (half < ALIKE_MAX ? half : ALIKE_MAX) + 1 };

        option_visit(text->table, text->use, compare_name, &alike);
        _cleanup_free_ char *found = alike.found;
        return diagnostics_add_unread(text->d, shown, map->key_lines[i], map->key_columns[i],
                "no such option%s%s%s", found ? "; did you mean " : "", found ? found : "",
                found ? "?" : "");
}
