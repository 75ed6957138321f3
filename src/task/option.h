/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/value.h"
#include "task/diagnostics.h"

/*
 * Tables of options, one row per option. Everything else follows from the rows: the schema that we give to
 * Nomad, the decoder for msgpack and YAML, defaults, copying and clearing, the messages, the policy of the
 * operator (task/policy.h), and the reference that `nspawnctl docs` prints.
 *
 * The decoder stores the values in a structure, the target; a row's `offset` is the place of its value
 * there.
 */

typedef enum OptionKind {
        OPTION_BOOL,           /* bool */
        OPTION_STRING,         /* char *, NULL when not given */
        OPTION_STRING_LIST,    /* char ** (base/strv.h) */
        OPTION_STRING_MAP,     /* StringMap */
        OPTION_ENUM,           /* int, one of `values` */
        OPTION_BIND,           /* TaskBind * and a count; in text a map, source path to target path */
        OPTION_BIND_READ_ONLY, /* the same; appends to the array of an OPTION_BIND */
        OPTION_SIZE,           /* uint64_t, bytes, with K, M, G, T as suffix */
        OPTION_NUMBER,         /* uint64_t, not negative */
        OPTION_DURATION,       /* uint64_t, microseconds, from a text such as 1m30s or a number of seconds */
        OPTION_BLOCK,          /* a structure, described by `block` */
        OPTION_BLOCKS,         /* an allocated array of such structures and a count */
        _OPTION_KIND_MAX,
} OptionKind;

/* Where an option may be given. */
typedef enum OptionUse {
        OPTION_IN_JOB = 1 << 0,    /* config {} of a Nomad task */
        OPTION_IN_YAML = 1 << 1,   /* a file for nspawnctl */
        OPTION_IN_DRIVER = 1 << 2, /* config {} of the plugin block */
        OPTION_FROM_NOMAD = 1
                << 3, /* outside of config {} in a job; Nomad reads it and passes it to the driver */
        OPTION_ANYWHERE = OPTION_IN_JOB | OPTION_IN_YAML,
} OptionUse;

/* What the operator must allow before a job may use an option (task/policy.h). */
typedef enum OptionGate {
        GATE_VOLUMES = 1 << 0,    /* paths of the host */
        GATE_CAPS = 1 << 1,       /* more capabilities */
        GATE_PRIVILEGED = 1 << 2, /* options that let root of a container act on the host */
        GATE_PROPERTIES = 1 << 3, /* systemd properties of the unit */
        GATE_ALL = GATE_VOLUMES | GATE_CAPS | GATE_PRIVILEGED | GATE_PROPERTIES,
} OptionGate;

/* What isolates a task: a container of systemd-nspawn, or a service of systemd. */
typedef enum OptionIsolation {
        ISOLATION_NSPAWN = 1 << 0,
        ISOLATION_SERVICE = 1 << 1,
} OptionIsolation;

/* A value of an OPTION_ENUM. A table of values ends with a row without a name. */
typedef struct OptionValue {
        int value;
        const char *name;
        const char *doc; /* a phrase for the documentation */
} OptionValue;

/* Return: the name, or NULL for a value that is not in the table, such as 0 for an option not given. */
const char *option_value_name(const OptionValue *values, int value);

typedef struct OptionTable OptionTable;

typedef struct Option {
        const char *name;
        OptionKind kind;
        OptionUse use;
        size_t offset;       /* of the value in the target */
        size_t count_offset; /* of the size_t beside an array */
        bool required;
        bool secret; /* messages do not show its values */
        /* The default as written in a job, for the decoder; lists have a comma between their items, and maps
         * are NAME=VALUE with a comma between. NULL for none: the value is all bits zero. */
        const char *default_text;
        /*
         * Return: the default, when it depends on other options of @target; called when those are decoded.
         */
        const char *(*default_from)(const void *target);
        const char *default_doc;   /* for the documentation, where default_text is not enough */
        const OptionValue *values; /* of an OPTION_ENUM */
        /* Return: NULL when a string is valid, else the text behind "must be" in the message. */
        const char *(*check)(const char *value);
        const char *(*check_key)(const char *key); /* of an OPTION_STRING_MAP */
        /* As check, but the caller owns the result. May also replace *@value, which the caller owns, by its
         * plain spelling. */
        char *(*spell)(char **value);
        const OptionTable *block; /* of OPTION_BLOCK and OPTION_BLOCKS */
        OptionGate gate;          /* 0: always allowed */
        unsigned isolations;      /* bits of OptionIsolation that support the option; 0: all of them */
        unsigned since;           /* version of systemd that the option needs; 0: any supported */
        const char *doc;          /* one line */
} Option;

struct OptionTable {
        const Option *rows;
        size_t n_rows;
        size_t size; /* of the target */
};

/* The options of a TaskSpec and of a DriverConfig (task/spec.h). */
extern const OptionTable task_options, driver_options;

#define OPTION_FOREACH(option, table) \
        for (const Option *option = (table)->rows; option < (table)->rows + (table)->n_rows; option++)

/* Return: the table that contains the options of this use. */
const OptionTable *option_table_of(OptionUse use);

/* Return: a name for documentation ("bool", "list of strings", ...). */
const char *option_kind_to_string(OptionKind kind);

/* Return: whether a value is written in quotes in languages that have a type for strings. */
bool option_kind_is_text(OptionKind kind);

/* Return: the row, or NULL. @name is BLOCK.MEMBER for a member of a block. */
const Option *option_find(const OptionTable *table, const char *name, OptionUse use);

/* Called with the whole name of an option, BLOCK.MEMBER for a member. */
typedef void (*OptionVisit)(const char *name, const Option *option, void *userdata);

/* Visits all rows with this use, each block before its members. */
void option_visit(const OptionTable *table, OptionUse use, OptionVisit visit, void *userdata);

/* Gives all options of an empty @target their defaults. */
void option_set_defaults(const OptionTable *table, void *target, OptionUse use);

/* Frees the values of all options; @target is zeroed. */
void option_clear(const OptionTable *table, void *target);

/* Makes @target, which is empty, a copy of @from. */
void option_copy(const OptionTable *table, void *target, const void *from);

/**
 * option_decode() - read a map of options
 * @target: empty
 * @config: a map; members that are null count as not given
 * @use:    only options with this use are known
 * @d:      gets all mistakes, and which options are given
 *
 * Sets the defaults first. Unknown options, wrong types and values that are not allowed are mistakes; their
 * messages name the option, the value and what is allowed. Goes on after a mistake, and reads all other
 * options. Does not check combinations: task_request_check() does.
 *
 * Return: 0, or -EINVAL.
 */
int option_decode(
        const OptionTable *table, void *target, const Value *config, OptionUse use, Diagnostics *d);
