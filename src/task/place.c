/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>

#include "base/string.h"
#include "task/place.h"

/* How much of a value a message shows. */
#define SHOWN_MAX 60

/* By how many letters a misspelled name may differ from the one that was meant. */
#define ALIKE_MAX 2

char *place_prefix(const char *source, unsigned line, unsigned column) {
        return source ? xasprintf("%s:%u:%u: ", source, line, column) : xstrdup("");
}

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

/*
 * Return: a value as it may stand in a message, such as: a string ("maybe"). What is in an environment may
 * be secret.
 */
static char *value_show(const Option *option, const Value *value) {
        _cleanup_free_ char *text = option->kind == OPTION_ENVIRONMENT ? NULL : value_to_text(value),
                            *line = text ? string_make_line(text, SHOWN_MAX) : NULL;
        const char *quote = value->type == VALUE_STRING ? "\"" : "",
                   *type = value_type_to_string(value->type);

        return line ? xasprintf("%s (%s%s%s)", type, quote, line, quote) : xstrdup(type);
}

int place_refuse_type(const Place *place, const Value *value, const char *wanted, Error **ret_error) {
        _cleanup_free_ char *prefix = place_prefix(place->source, value->line, value->column);
        _cleanup_free_ char *shown = value_show(place->option, value);

        return error_set(
                ret_error, EINVAL, "%s%s: must be %s, not %s", prefix, place->option->name, wanted, shown);
}

int place_refuse_string(
        const Place *place, const Value *value, const char *got, const char *wanted, Error **ret_error) {
        _cleanup_free_ char *prefix = place_prefix(place->source, value->line, value->column);

        return error_set(ret_error, EINVAL, "%s%s: \"%s\" is not allowed: must be %s", prefix,
                place->option->name, got, wanted);
}

/* Return: the option whose name is most like @name, but for a member outside of its block; or NULL. */
static const Option *find_alike(const char *name, OptionUse use) {
        size_t half = strlen(name) / 2, least = (half < ALIKE_MAX ? half : ALIKE_MAX) + 1;
        const Option *found = NULL;

        OPTION_FOREACH (option) {
                size_t distance = option->use & use ? string_distance(name, option->name) : least;

                if (distance > 0 && distance < least) {
                        least = distance;
                        found = option;
                }
        }
        return found;
}

int place_refuse_unknown(
        const Place *place, const Option *block, const Value *map, size_t i, Error **ret_error) {
        _cleanup_free_ char *prefix = place_prefix(place->source, map->key_lines[i], map->key_columns[i]);
        _cleanup_free_ char *name = xasprintf(
                "%s%s%s", block ? block->name : "", block ? "." : "", map->keys[i]);
        const Option *alike = find_alike(name, place->use);

        return error_set(ret_error, EINVAL, "%s%s: no such option%s%s%s", prefix, name,
                alike ? "; did you mean " : "", alike ? alike->name : "", alike ? "?" : "");
}
