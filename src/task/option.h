/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/value.h"
#include "task/spec.h"

/*
 * THE option table: one row per option, and everything else comes from it: the schema Nomad is given, the
 * decoder for msgpack and YAML, the words of the errors, the reference that `nspawnctl docs` prints.
 * A row named BLOCK.MEMBER is a member of the block option of that name.
 */

typedef enum OptionKind {
        OPTION_BOOL,
        OPTION_STRING,
        OPTION_STRING_LIST,
        OPTION_ENVIRONMENT, /* map of strings, into a list of NAME=value */
        OPTION_BIND,        /* map of strings, source path to target path */
        OPTION_BIND_READ_ONLY,
        OPTION_SIZE,     /* bytes, with K, M, G, T as suffix */
        OPTION_NUMBER,   /* not negative */
        OPTION_DURATION, /* microseconds, from a text such as 1m30s or a number of seconds */
        OPTION_BLOCK,    /* a map whose members are the rows with its name and a dot before theirs */
        _OPTION_KIND_MAX,
} OptionKind;

/* Who may use an option. */
typedef enum OptionUse {
        OPTION_IN_JOB = 1 << 0,    /* config {} of a Nomad task */
        OPTION_IN_YAML = 1 << 1,   /* a file for nspawnctl */
        OPTION_IN_DRIVER = 1 << 2, /* config {} of the plugin block; these rows are of DriverConfig */
        OPTION_ANYWHERE = OPTION_IN_JOB | OPTION_IN_YAML,
} OptionUse;

typedef struct Option {
        const char *name;
        OptionKind kind;
        OptionUse use;
        size_t offset; /* of the member it lands in, of TaskSpec or DriverConfig */
        bool required;
        const char *fallback;       /* default, as written in a job; NULL for none */
        const char *const *allowed; /* NULL-terminated; NULL for no list */
        /* Checks one string further; returns what is allowed, in words, when @value is not. */
        const char *(*refuse)(const char *value);
        /* As refuse, but owned by the caller; and may put @value, owned by it as well, into a plain
         * spelling. */
        char *(*spell)(char **value);
        const char *doc; /* one line */
} Option;

extern const Option option_table[];
extern const size_t option_table_size;

#define OPTION_FOREACH(option) \
        for (const Option *option = option_table; option < option_table + option_table_size; option++)

/* Return: a name for documentation ("bool", "list of strings", ...). */
const char *option_kind_to_string(OptionKind kind);

/* Return: the row, or NULL. A member is found by its whole name, BLOCK.MEMBER. */
const Option *option_find(const char *name, OptionUse use);

/* Return: whether it is a member of a block, which is no option by itself. */
bool option_is_member(const Option *option);

/* Puts each option's default into @target, a TaskSpec or DriverConfig as @use says. */
void option_set_defaults(void *target, OptionUse use);

/**
 * option_decode() - read a map of options
 * @target: a DriverConfig for OPTION_IN_DRIVER, else a TaskSpec
 * @config: a map; members that are null count as not given
 * @use:    whose options are known
 * @source: name of the file for messages with line and column, or NULL
 *
 * Sets the defaults first. Unknown options, wrong types and values that are not allowed are errors that
 * name the option, the value and what is allowed. All that can be read is read in spite of them. Does not
 * check combinations: task_spec_validate() does.
 *
 * Return: 0, or a negative errno with @ret_error set, which has a line for each mistake.
 */
int option_decode(void *target, const Value *config, OptionUse use, const char *source, Error **ret_error);
