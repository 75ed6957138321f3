/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>

#include "base/string.h"
#include "base/strv.h"
#include "task/duration.h"
#include "task/option-member.h"
#include "task/refusal.h"
#include "task/spec.h"

/* Decodes options. Each function below returns 0, or -EINVAL when it has added a mistake to text->d. */

static int decode_bool(const OptionText *text, const Value *value, bool *ret) {
        if (value->type != VALUE_BOOL)
                return refuse_type(text, value, "true or false");

        *ret = value->boolean;
        return 0;
}

static int refuse_no_string(const OptionText *text, const Value *value) {
        return refuse_type(
                text, value, value->type == VALUE_FLOAT ? "a string: put it in quotes" : "a string");
}

static int decode_text(const OptionText *text, const Value *value, char **ret) {
        _cleanup_free_ char *got = value_to_text(value);
        const Option *option = text->option;

        if (!got)
                return refuse_no_string(text, value);

        const char *wanted = option->check ? option->check(got) : NULL;
        if (wanted)
                return refuse_string(text, value, got, wanted);

        _cleanup_free_ char *better = option->spell ? option->spell(&got) : NULL;
        if (better)
                return refuse_string(text, value, got, better);

        *ret = TAKE_PTR(got);
        return 0;
}

static int decode_string(const OptionText *text, const Value *value, char **ret) {
        char *got = NULL;
        int r = decode_text(text, value, &got);

        if (r < 0)
                return r;
        free(*ret);
        *ret = got;
        return 0;
}

static int decode_list(const OptionText *text, const Value *value, char ***ret) {
        int r = 0;

        if (value->type != VALUE_LIST)
                return refuse_type(text, value, "a list of strings");

        _cleanup_strv_ char **list = xnew(char *, value->n_items + 1);
        for (size_t i = 0, n = 0; i < value->n_items; i++)
                if (decode_text(text, value->items[i], &list[n]) < 0)
                        r = -EINVAL;
                else
                        n++;
        if (r < 0)
                return r;

        strv_free(*ret);
        *ret = TAKE_PTR(list);
        return 0;
}

static int decode_enum(const OptionText *text, const Value *value, int *ret) {
        _cleanup_free_ char *got = value_to_text(value), *wanted = NULL;
        _cleanup_string_buffer_ StringBuffer names = {};

        if (!got)
                return refuse_no_string(text, value);

        for (const OptionValue *v = text->option->values; v->name; v++) {
                if (streq(v->name, got)) {
                        *ret = v->value;
                        return 0;
                }
                string_buffer_append(&names, "%s%s", v == text->option->values ? "" : ", ", v->name);
        }

        wanted = xasprintf("one of %s", names.text);
        return refuse_string(text, value, got, wanted);
}

static int decode_size(const OptionText *text, const Value *value, uint64_t *ret) {
        static const char suffixes[] = "KMGT";
        static const char *const wanted = "a number of bytes, with K, M, G or T if wanted";
        _cleanup_free_ char *got = value_to_text(value), *digits = got ? xstrdup(got) : NULL;
        unsigned shift = 0;
        uint64_t number;

        if (!digits || value->type == VALUE_BOOL || !*digits)
                return refuse_type(text, value, wanted);

        char *last = digits + strlen(digits) - 1;
        const char *suffix = strchr(suffixes, *last);
        if (suffix) {
                shift = 10 * (unsigned) (suffix - suffixes + 1);
                *last = 0;
        }

        if (!string_parse_u64(digits, &number) || number == 0 || number > UINT64_MAX >> (shift + 1))
                return refuse_string(text, value, got, wanted);

        *ret = number << shift;
        return 0;
}

static int decode_duration(const OptionText *text, const Value *value, uint64_t *ret) {
        static const char *const wanted = "a duration such as 500ms, 5s or 1m30s, or a number of seconds";
        _cleanup_free_ char *got = value_to_text(value);
        const Option *option = text->option;
        uint64_t usec;

        if (!got || value->type == VALUE_BOOL)
                return refuse_type(text, value, wanted);
        if (!duration_parse(got, &usec))
                return refuse_string(text, value, got, wanted);

        const char *refused = option->check ? option->check(got) : NULL;
        if (refused)
                return refuse_string(text, value, got, refused);
        *ret = usec;
        return 0;
}

static int decode_number(const OptionText *text, const Value *value, uint64_t *ret) {
        /* Nomad's schema has no members of a block, so Nomad may leave their numbers as strings. */
        if (value->type == VALUE_STRING && value->line == 0 && string_parse_u64(value->string, ret))
                return 0;
        if (value->type != VALUE_INTEGER || value->integer < 0)
                return refuse_type(text, value, "a number from 0 up");

        *ret = (uint64_t) value->integer;
        return 0;
}

/* Reads one item of a map. */
typedef int (*DecodePair)(const OptionText *text, void *target, const char *key, const Value *value);

static int decode_map_pair(const OptionText *text, void *target, const char *key, const Value *value) {
        const Option *option = text->option;
        _cleanup_free_ char *got = NULL;
        int r = decode_text(text, value, &got);

        if (r < 0)
                return r;
        const char *wanted = option->check_key ? option->check_key(key) : NULL;
        if (wanted)
                return refuse_string(text, value, key, wanted);
        string_map_set(option_member(option, target), key, got);
        return 0;
}

static int decode_bind_pair(const OptionText *text, void *target, const char *key, const Value *value) {
        const Option *option = text->option;
        _cleanup_free_ char *got = NULL;
        int r = decode_text(text, value, &got);

        if (r < 0 || !got)
                return r;
        if (*key != '/' || *got != '/')
                return refuse_string(text, value, *key != '/' ? key : got, "an absolute path");
        option_add_bind(option, target, key, got, option->kind == OPTION_BIND_READ_ONLY);
        return 0;
}

/* A map, or a list of maps: `x = {}`, `x {}` and several `x {}` all mean the same in a job. */
static int decode_pairs(const OptionText *text, void *target, const Value *value, DecodePair pair) {
        int r = 0;

        if (value->type != VALUE_LIST && value->type != VALUE_MAP)
                return refuse_type(text, value, "a map of strings");

        for (size_t i = 0; i < value->n_items; i++) {
                const Value *item = value->items[i];
                int added;

                if (value->type == VALUE_MAP)
                        added = pair(text, target, value->keys[i], item);
                else if (item->type == VALUE_MAP)
                        added = decode_pairs(text, target, item, pair);
                else
                        added = refuse_type(text, item, "a map of strings");
                r = added < 0 ? added : r;
        }
        return r;
}

static int decode_string_map(const OptionText *text, void *target, const Value *value) {
        string_map_clear(option_member(text->option, target)); /* removes the default */
        return decode_pairs(text, target, value, decode_map_pair);
}

static int decode_rows(
        const OptionText *text, const OptionTable *rows, void *target, const Value *map, const Value *above);

/* `x = {}`, `x = [{}]` and `x {}` all mean the same in a job. */
static int decode_block(const OptionText *text, void *target, const Value *value) {
        const Option *option = text->option;

        if (value->type == VALUE_LIST && value->n_items == 0)
                return 0;
        if (value->type == VALUE_LIST && value->n_items == 1)
                value = value->items[0];
        else if (value->type == VALUE_LIST)
                return refuse_type(text, value, "given once");

        if (value->type != VALUE_MAP)
                return refuse_type(text, value, "a block");
        return decode_rows(text, option->block, option_member(option, target), value, value);
}

static int decode_one_of_blocks(const OptionText *text, void *target, const Value *value) {
        const Option *option = text->option;

        if (value->type != VALUE_MAP)
                return refuse_type(text, value, "a block");

        void *element = option_add_block(option, target);
        option_set_defaults(option->block, element, text->use);
        return decode_rows(text, option->block, element, value, value);
}

/* `x {}` once is a map, and several times a list of them. */
static int decode_blocks(const OptionText *text, void *target, const Value *value) {
        int r = 0;

        if (value->type != VALUE_LIST)
                return decode_one_of_blocks(text, target, value);

        for (size_t i = 0; i < value->n_items; i++)
                if (decode_one_of_blocks(text, target, value->items[i]) < 0)
                        r = -EINVAL;
        return r;
}

static int decode_option(const OptionText *text, void *target, const Value *value) {
        void *member = option_member(text->option, target);

        switch (text->option->kind) {
        case OPTION_BOOL:
                return decode_bool(text, value, member);
        case OPTION_STRING:
                return decode_string(text, value, member);
        case OPTION_STRING_LIST:
                return decode_list(text, value, member);
        case OPTION_STRING_MAP:
                return decode_string_map(text, target, value);
        case OPTION_ENUM:
                return decode_enum(text, value, member);
        case OPTION_BIND:
        case OPTION_BIND_READ_ONLY:
                return decode_pairs(text, target, value, decode_bind_pair);
        case OPTION_SIZE:
                return decode_size(text, value, member);
        case OPTION_NUMBER:
                return decode_number(text, value, member);
        case OPTION_DURATION:
                return decode_duration(text, value, member);
        case OPTION_BLOCK:
                return decode_block(text, target, value);
        case OPTION_BLOCKS:
                return decode_blocks(text, target, value);
        default:
                assert(false);
                return -EINVAL;
        }
}

/* Return: the value that a default stands for, owned by the caller. */
static Value *default_value(OptionKind kind, const char *text) {
        bool is_list = kind == OPTION_STRING_LIST,
             is_map = kind == OPTION_STRING_MAP || kind == OPTION_BIND || kind == OPTION_BIND_READ_ONLY;
        _cleanup_free_ char *copy = xstrdup(text);

        if (kind == OPTION_BOOL && (streq(text, "true") || streq(text, "false")))
                return value_new_bool(streq(text, "true"));
        if (!is_list && !is_map)
                return value_new_string(text);

        Value *value = is_list ? value_new_list() : value_new_map();
        for (char *rest = copy, *item; (item = strsep(&rest, ","));) {
                char *key = item, *equals = is_map ? strchr(item, '=') : NULL;

                if (equals)
                        *equals = 0;
                if (is_list)
                        value_append(value, value_new_string(item));
                else if (equals)
                        (void) value_set(value, key, value_new_string(equals + 1));
        }
        return value;
}

/* Decodes a default. This cannot fail: a unit test decodes every default of the tables. */
static void set_default(const Option *option, void *target, OptionUse use, const char *text) {
        _cleanup_diagnostics_ Diagnostics d = {};
        _cleanup_value_ Value *value = default_value(option->kind, text);
        const OptionText as_given = { .use = use, .option = option, .name = option->name, .d = &d };
        int r = decode_option(&as_given, target, value);

        assert(r >= 0);
        (void) r;
}

void option_set_defaults(const OptionTable *table, void *target, OptionUse use) {
        OPTION_FOREACH (option, table) {
                if (!(option->use & use))
                        continue;
                if (option->default_text)
                        set_default(option, target, use, option->default_text);
                else if (option->kind == OPTION_BLOCK)
                        option_set_defaults(option->block, option_member(option, target), use);
        }
        OPTION_FOREACH (option, table)
                if ((option->use & use) && option->default_from)
                        set_default(option, target, use, option->default_from(target));
}

static bool has_value(const Value *map, const Option *option) {
        const Value *value = value_get(map, option->name);

        return value && value->type != VALUE_NULL;
}

/* Handles options that are not given. @above: the place for a message about a required one. */
static int decode_rest(const OptionText *text, const OptionTable *rows, const char *prefix, void *target,
        const Value *map, const Value *above) {
        int r = 0;

        OPTION_FOREACH (option, rows) {
                if (!(option->use & text->use) || has_value(map, option))
                        continue;
                if (option->default_from)
                        set_default(option, target, text->use, option->default_from(target));
                if (!option->required)
                        continue;

                _cleanup_free_ char *name = xasprintf("%s%s", prefix, option->name);
                r = diagnostics_add_unread(
                        text->d, name, above->line, above->column, "missing, it must be given");
        }
        return r;
}

/* Reads the members of a block, or the whole text where text->option is NULL. */
static int decode_rows(const OptionText *text, const OptionTable *rows, void *target, const Value *map,
        const Value *above) {
        const char *block = text->option ? text->name : NULL;
        _cleanup_free_ char *prefix = block ? xasprintf("%s.", block) : xstrdup("");
        int r = 0;

        for (size_t i = 0; i < map->n_items; i++) {
                const char *key = map->keys[i];
                _cleanup_free_ char *name = xasprintf("%s%s", prefix, key);
                OptionText member = *text;

                member.option = strchr(key, '.') ? NULL : option_find(rows, key, text->use);
                member.name = name;
                if (!member.option) {
                        r = refuse_unknown(text, name, map, i);
                        continue;
                }
                if (map->items[i]->type == VALUE_NULL)
                        continue;
                diagnostics_note(text->d, name, map->key_lines[i], map->key_columns[i], NULL);
                if (decode_option(&member, target, map->items[i]) < 0)
                        r = -EINVAL;
        }

        int k = decode_rest(text, rows, prefix, target, map, above);
        return r < 0 ? r : k;
}

int option_decode(
        const OptionTable *table, void *target, const Value *config, OptionUse use, Diagnostics *d) {
        const OptionText text = { .table = table, .use = use, .d = d };

        d->line = config->line;
        d->column = config->column;
        if (config->type != VALUE_MAP)
                return diagnostics_add(d, NULL, EINVAL, "must be a map of options, not %s",
                        value_type_to_string(config->type));

        option_set_defaults(table, target, use);
        return decode_rows(&text, table, target, config, config);
}
