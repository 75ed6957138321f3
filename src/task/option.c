/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>

#include "base/string.h"
#include "base/strv.h"
#include "task/option-member.h"
#include "task/spec.h"

const char *option_kind_to_string(OptionKind kind) {
        static const char *const names[_OPTION_KIND_MAX] = {
                [OPTION_BOOL] = "bool",
                [OPTION_STRING] = "string",
                [OPTION_STRING_LIST] = "list of strings",
                [OPTION_STRING_MAP] = "map of strings",
                [OPTION_ENUM] = "string",
                [OPTION_BIND] = "map of strings",
                [OPTION_BIND_READ_ONLY] = "map of strings",
                [OPTION_SIZE] = "size",
                [OPTION_NUMBER] = "number",
                [OPTION_DURATION] = "duration",
                [OPTION_BLOCK] = "block",
                [OPTION_BLOCKS] = "list of blocks",
        };

        assert(kind >= 0 && kind < _OPTION_KIND_MAX);
        return names[kind];
}

bool option_kind_is_text(OptionKind kind) {
        return kind == OPTION_STRING || kind == OPTION_ENUM || kind == OPTION_SIZE ||
                kind == OPTION_DURATION;
}

const char *option_value_name(const OptionValue *values, int value) {
        for (const OptionValue *v = values; v->name; v++)
                if (v->value == value)
                        return v->name;
        return NULL;
}

const Option *option_find(const OptionTable *table, const char *name, OptionUse use) {
        size_t n = strcspn(name, ".");

        OPTION_FOREACH (option, table) {
                if (!(option->use & use) || strlen(option->name) != n || strncmp(option->name, name, n) != 0)
                        continue;
                if (!name[n])
                        return option;
                return option->block ? option_find(option->block, name + n + 1, use) : NULL;
        }
        return NULL;
}

static void visit_rows(
        const OptionTable *table, const char *prefix, OptionUse use, OptionVisit visit, void *userdata) {
        OPTION_FOREACH (option, table) {
                _cleanup_free_ char *name = xasprintf("%s%s", prefix, option->name),
                                    *inner = xasprintf("%s.", name);

                if (!(option->use & use))
                        continue;
                visit(name, option, userdata);
                if (option->block)
                        visit_rows(option->block, inner, use, visit, userdata);
        }
}

void option_visit(const OptionTable *table, OptionUse use, OptionVisit visit, void *userdata) {
        visit_rows(table, "", use, visit, userdata);
}

static void clear_binds(TaskBind *binds, size_t n) {
        for (size_t i = 0; i < n; i++) {
                free(binds[i].source);
                free(binds[i].target);
        }
        free(binds);
}

static void clear_member(const Option *option, void *target) {
        void *member = option_member(option, target);
        size_t *count = option_count(option, target);

        switch (option->kind) {
        case OPTION_STRING:
                string_replace(member, NULL);
                break;
        case OPTION_STRING_LIST:
                *(char ***) member = strv_free(*(char ***) member);
                break;
        case OPTION_STRING_MAP:
                string_map_clear(member);
                break;
        case OPTION_BIND:
        case OPTION_BIND_READ_ONLY:
                clear_binds(*(TaskBind **) member, *count);
                *(TaskBind **) member = NULL;
                *count = 0;
                break;
        case OPTION_BLOCK:
                option_clear(option->block, member);
                break;
        case OPTION_BLOCKS:
                for (size_t i = 0; i < *count; i++)
                        option_clear(option->block, option_element(option, target, i));
                free(*(void **) member);
                *(void **) member = NULL;
                *count = 0;
                break;
        default:
                break;
        }
}

void option_clear(const OptionTable *table, void *target) {
        OPTION_FOREACH (option, table)
                clear_member(option, target);
        memset(target, 0, table->size);
}

void option_add_bind(
        const Option *option, void *target, const char *source, const char *path, bool read_only) {
        TaskBind **binds = option_member(option, target);
        size_t *n = option_count(option, target);

        *binds = xreallocarray(*binds, *n + 1, sizeof(TaskBind));
        (*binds)[(*n)++] = (TaskBind){
                .source = xstrdup(source),
                .target = xstrdup(path),
                .read_only = read_only,
        };
}

void *option_add_block(const Option *option, void *target) {
        void **items = option_member(option, target);
        size_t *n = option_count(option, target), size = option->block->size;

        *items = xreallocarray(*items, *n + 1, size);
        (*n)++;
        return memset(option_element(option, target, *n - 1), 0, size);
}

static void copy_binds(const Option *option, void *target, const void *from) {
        const TaskBind *binds = *(TaskBind *const *) option_member_const(option, from);
        size_t n = *option_count_const(option, from);

        /* Two rows may share the array. */
        clear_member(option, target);
        for (size_t i = 0; i < n; i++)
                option_add_bind(option, target, binds[i].source, binds[i].target, binds[i].read_only);
}

static void copy_blocks(const Option *option, void *target, const void *from) {
        const char *items = *(char *const *) option_member_const(option, from);

        for (size_t i = 0; i < *option_count_const(option, from); i++)
                option_copy(
                        option->block, option_add_block(option, target), items + i * option->block->size);
}

static void copy_member(const Option *option, void *target, const void *from) {
        void *member = option_member(option, target);
        const void *source = option_member_const(option, from);

        switch (option->kind) {
        case OPTION_BOOL:
                *(bool *) member = *(const bool *) source;
                break;
        case OPTION_STRING:
                *(char **) member = xstrdup_null(*(char *const *) source);
                break;
        case OPTION_STRING_LIST:
                *(char ***) member = strv_copy(*(char *const *const *) source);
                break;
        case OPTION_STRING_MAP:
                string_map_copy(member, source);
                break;
        case OPTION_ENUM:
                *(int *) member = *(const int *) source;
                break;
        case OPTION_SIZE:
        case OPTION_NUMBER:
        case OPTION_DURATION:
                *(uint64_t *) member = *(const uint64_t *) source;
                break;
        case OPTION_BIND:
        case OPTION_BIND_READ_ONLY:
                copy_binds(option, target, from);
                break;
        case OPTION_BLOCK:
                option_copy(option->block, member, source);
                break;
        case OPTION_BLOCKS:
                copy_blocks(option, target, from);
                break;
        default:
                assert(false);
        }
}

void option_copy(const OptionTable *table, void *target, const void *from) {
        OPTION_FOREACH (option, table)
                copy_member(option, target, from);
}
