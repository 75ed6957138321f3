/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>

#include "base/string.h"
#include "base/strv.h"
#include "task/duration.h"
#include "task/option.h"
#include "task/place.h"

static void *option_member(void *target, const Option *option) {
        return (char *) target + option->offset;
}

const char *option_kind_to_string(OptionKind kind) {
        static const char *const names[_OPTION_KIND_MAX] = {
                [OPTION_BOOL] = "bool",
                [OPTION_STRING] = "string",
                [OPTION_STRING_LIST] = "list of strings",
                [OPTION_ENVIRONMENT] = "map of strings",
                [OPTION_BIND] = "map of strings",
                [OPTION_BIND_READ_ONLY] = "map of strings",
                [OPTION_SIZE] = "size",
                [OPTION_NUMBER] = "number",
                [OPTION_DURATION] = "duration",
                [OPTION_BLOCK] = "block",
        };

        assert(kind >= 0 && kind < _OPTION_KIND_MAX);
        return names[kind];
}

const Option *option_find(const char *name, OptionUse use) {
        OPTION_FOREACH (option)
                if ((option->use & use) && streq(option->name, name))
                        return option;
        return NULL;
}

bool option_is_member(const Option *option) {
        return strchr(option->name, '.') != NULL;
}

/* The row of a key in a map: of @block, or of the whole configuration when that is NULL. */
static const Option *key_find(const Option *block, const char *key, OptionUse use) {
        _cleanup_free_ char *name = block ? xasprintf("%s.%s", block->name, key) : xstrdup(key);
        const Option *option = option_find(name, use);

        return option && option_is_member(option) == (block != NULL) ? option : NULL;
}

void option_set_defaults(void *target, OptionUse use) {
        OPTION_FOREACH (option) {
                if (!option->fallback || !(option->use & use))
                        continue;
                if (option->kind == OPTION_BOOL)
                        *(bool *) option_member(target, option) = streq(option->fallback, "true");
                else
                        string_replace(option_member(target, option), option->fallback);
        }
}

static int decode_text(const Place *place, const Value *value, char **ret, Error **ret_error) {
        _cleanup_free_ char *text = value_to_text(value);
        const Option *option = place->option;

        if (!text)
                return place_refuse_type(place, value,
                        value->type == VALUE_FLOAT ? "a string: put it in quotes" : "a string", ret_error);

        if (option->allowed) {
                bool found = false;

                for (const char *const *a = option->allowed; *a; a++)
                        found = found || streq(*a, text);
                if (!found) {
                        _cleanup_free_ char *list = strv_join(
                                (char *const *) (uintptr_t) option->allowed, ", ");
                        _cleanup_free_ char *wanted = xasprintf("one of %s", list);
                        return place_refuse_string(place, value, text, wanted, ret_error);
                }
        }

        const char *wanted = option->refuse ? option->refuse(text) : NULL;
        if (wanted)
                return place_refuse_string(place, value, text, wanted, ret_error);

        _cleanup_free_ char *better = option->spell ? option->spell(&text) : NULL;
        if (better)
                return place_refuse_string(place, value, text, better, ret_error);

        *ret = TAKE_PTR(text);
        return 0;
}

static int decode_bool(const Place *place, const Value *value, bool *ret, Error **ret_error) {
        if (value->type != VALUE_BOOL)
                return place_refuse_type(place, value, "true or false", ret_error);

        *ret = value->boolean;
        return 0;
}

static int decode_string(const Place *place, const Value *value, char **ret, Error **ret_error) {
        char *text = NULL;
        int r = decode_text(place, value, &text, ret_error);

        if (r < 0)
                return r;
        free(*ret);
        *ret = text;
        return 0;
}

static int decode_list(const Place *place, const Value *value, char ***ret, Error **ret_error) {
        _cleanup_strv_ char **list = NULL;
        int r = 0;

        if (value->type != VALUE_LIST)
                return place_refuse_type(place, value, "a list of strings", ret_error);

        for (size_t i = 0; i < value->n_items; i++) {
                char *text = NULL;

                if (decode_text(place, value->items[i], &text, ret_error) < 0)
                        r = -EINVAL;
                else
                        strv_consume(&list, text);
        }
        if (r < 0)
                return r;

        strv_free(*ret);
        *ret = TAKE_PTR(list);
        return 0;
}

static int decode_size(const Place *place, const Value *value, uint64_t *ret, Error **ret_error) {
        static const char suffixes[] = "KMGT";
        static const char *const wanted = "a number of bytes, with K, M, G or T if wanted";
        _cleanup_free_ char *text = value_to_text(value);
        unsigned shift = 0;
        uint64_t number;

        if (!text || value->type == VALUE_BOOL || !*text)
                return place_refuse_type(place, value, wanted, ret_error);

        char *last = text + strlen(text) - 1;
        const char *suffix = strchr(suffixes, *last);
        if (suffix) {
                shift = 10 * (unsigned) (suffix - suffixes + 1);
                *last = 0;
        }

        if (!string_parse_u64(text, &number) || number == 0 || number > UINT64_MAX >> (shift + 1)) {
                _cleanup_free_ char *got = value_to_text(value);
                return place_refuse_string(place, value, got, wanted, ret_error);
        }

        *ret = number << shift;
        return 0;
}

static int decode_duration(const Place *place, const Value *value, uint64_t *ret, Error **ret_error) {
        static const char *const wanted = "a duration such as 500ms, 5s or 1m30s, or a number of seconds";
        _cleanup_free_ char *text = value_to_text(value);
        const Option *option = place->option;

        if (!text || value->type == VALUE_BOOL)
                return place_refuse_type(place, value, wanted, ret_error);
        if (!duration_parse(text, ret))
                return place_refuse_string(place, value, text, wanted, ret_error);

        const char *refused = option->refuse ? option->refuse(text) : NULL;
        return refused ? place_refuse_string(place, value, text, refused, ret_error) : 0;
}

static int decode_number(const Place *place, const Value *value, uint64_t *ret, Error **ret_error) {
        /* Nomad converts what its schema knows, which is not what is in a block. */
        if (value->type == VALUE_STRING && value->line == 0 && string_parse_u64(value->string, ret))
                return 0;
        if (value->type != VALUE_INTEGER || value->integer < 0)
                return place_refuse_type(place, value, "a number from 0 up", ret_error);

        *ret = (uint64_t) value->integer;
        return 0;
}

static int add_pair(
        TaskSpec *spec, const Place *place, const char *key, const Value *value, Error **ret_error) {
        const Option *option = place->option;
        _cleanup_free_ char *text = NULL;
        int r = decode_text(place, value, &text, ret_error);

        if (r < 0)
                return r;
        assert(text);

        if (option->kind == OPTION_ENVIRONMENT) {
                if (!environment_name_is_valid(key))
                        return place_refuse_string(place, value, key, ENVIRONMENT_NAME_WANTED, ret_error);
                environment_set(&spec->environment, key, text);
                return 0;
        }

        if (*key != '/' || *text != '/')
                return place_refuse_string(
                        place, value, *key != '/' ? key : text, "an absolute path", ret_error);
        task_spec_add_bind(spec, key, text, option->kind == OPTION_BIND_READ_ONLY);
        return 0;
}

/* A map, or a list of maps: `x = {}`, `x {}` and several `x {}` all mean the same in a job. */
static int decode_pairs(TaskSpec *spec, const Place *place, const Value *value, Error **ret_error) {
        int r = 0;

        if (value->type != VALUE_LIST && value->type != VALUE_MAP)
                return place_refuse_type(place, value, "a map of strings", ret_error);

        for (size_t i = 0; i < value->n_items; i++) {
                const Value *item = value->items[i];
                int added;

                if (value->type == VALUE_MAP)
                        added = add_pair(spec, place, value->keys[i], item, ret_error);
                else if (item->type == VALUE_MAP)
                        added = decode_pairs(spec, place, item, ret_error);
                else
                        added = place_refuse_type(place, item, "a map of strings", ret_error);
                r = added < 0 ? added : r;
        }
        return r;
}

static int decode_map(
        void *target, const Option *block, const Value *map, const Place *place, Error **ret_error);

/* `x = {}`, `x = [{}]` and `x {}` all mean the same in a job. */
static int decode_block(void *target, const Place *place, const Value *value, Error **ret_error) {
        if (value->type == VALUE_LIST && value->n_items == 0)
                return 0;
        if (value->type == VALUE_LIST && value->n_items == 1)
                value = value->items[0];
        else if (value->type == VALUE_LIST)
                return place_refuse_type(place, value, "given once", ret_error);

        if (value->type != VALUE_MAP)
                return place_refuse_type(place, value, "a block", ret_error);
        return decode_map(target, place->option, value, place, ret_error);
}

static int decode_option(void *target, const Place *place, Error **ret_error) {
        void *member = option_member(target, place->option);
        const Value *value = place->value;

        switch (place->option->kind) {
        case OPTION_BOOL:
                return decode_bool(place, value, member, ret_error);
        case OPTION_STRING:
                return decode_string(place, value, member, ret_error);
        case OPTION_STRING_LIST:
                return decode_list(place, value, member, ret_error);
        case OPTION_ENVIRONMENT:
        case OPTION_BIND:
        case OPTION_BIND_READ_ONLY:
                return decode_pairs(target, place, value, ret_error);
        case OPTION_SIZE:
                return decode_size(place, value, member, ret_error);
        case OPTION_NUMBER:
                return decode_number(place, value, member, ret_error);
        case OPTION_DURATION:
                return decode_duration(place, value, member, ret_error);
        case OPTION_BLOCK:
                return decode_block(target, place, value, ret_error);
        default:
                assert(false);
                return -EINVAL;
        }
}

/* Rules about an option that could not be read are not to add to the words. */
static void note_refused(void *target, const Place *place) {
        if (place->use != OPTION_IN_DRIVER)
                strv_append(&((TaskSpec *) target)->refused, place->option->name);
}

/* Reads the members of @block, or the whole configuration when that is NULL. */
static int decode_map(
        void *target, const Option *block, const Value *map, const Place *place, Error **ret_error) {
        int r = 0;

        for (size_t i = 0; i < map->n_items; i++) {
                Place member = *place;

                member.option = key_find(block, map->keys[i], place->use);
                member.value = map->items[i];
                if (!member.option)
                        r = place_refuse_unknown(place, block, map, i, ret_error);
                else if (member.value->type != VALUE_NULL && decode_option(target, &member, ret_error) < 0) {
                        note_refused(target, &member);
                        r = -EINVAL;
                }
        }
        return r;
}

int option_decode(void *target, const Value *config, OptionUse use, const char *source, Error **ret_error) {
        const Place place = { .source = source, .use = use };
        int r;

        if (config->type != VALUE_MAP) {
                _cleanup_free_ char *prefix = place_prefix(source, config->line, config->column);
                return error_set(ret_error, EINVAL, "%smust be a map of options, not %s", prefix,
                        value_type_to_string(config->type));
        }

        option_set_defaults(target, use);
        r = decode_map(target, NULL, config, &place, ret_error);

        OPTION_FOREACH (option) {
                const Value *value = value_get(config, option->name);

                if (option->required && (option->use & use) && (!value || value->type == VALUE_NULL)) {
                        _cleanup_free_ char *prefix = place_prefix(source, config->line, config->column);
                        r = error_set(
                                ret_error, EINVAL, "%s%s: missing, it must be given", prefix, option->name);
                }
        }

        return r;
}
