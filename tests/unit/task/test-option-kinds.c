/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "base/string.h"
#include "base/strv.h"
#include "cli/yaml.h"
#include "task/option.h"
#include "task/policy.h"
#include "task/spec.h"

TestSuite(option_kinds, .timeout = 30);

/* A table of this test, with every kind of option. */

typedef enum Shape {
        SHAPE_UNSET,
        SHAPE_ROUND,
        SHAPE_FLAT = 7,
} Shape;

static const OptionValue shapes[] = {
        { SHAPE_ROUND, "round", "without corners" },
        { SHAPE_FLAT, "flat", "without height" },
        {},
};

typedef struct Inner {
        char *text;
        uint64_t number;
} Inner;

typedef struct Piece {
        char *name;
        Shape shape;
        uint64_t wait_usec;
        char **words;
        StringMap labels;
        Inner inner;
} Piece;

typedef struct Thing {
        bool flag;
        char *text;
        char **words;
        StringMap map;
        Shape shape;
        Shape other_shape;
        uint64_t size;
        uint64_t number;
        uint64_t wait_usec;
        TaskBind *binds;
        size_t n_binds;
        Inner inner;
        Piece *pieces;
        size_t n_pieces;
} Thing;

static const char *check_label(const char *key) {
        return *key == '_' ? "a label without _ in front" : NULL;
}

static const char *default_other_shape(const void *target) {
        const Thing *thing = target;

        return thing->flag ? "round" : "flat";
}

#define AT(member) .offset = offsetof(Thing, member)
#define AT_PIECE(member) .offset = offsetof(Piece, member)
#define AT_INNER(member) .offset = offsetof(Inner, member)

/* clang-format off */
static const Option inner_rows[] = {
        { "text", OPTION_STRING, OPTION_ANYWHERE, AT_INNER(text), .default_text = "in" },
        { "number", OPTION_NUMBER, OPTION_ANYWHERE, AT_INNER(number), .default_text = "8" },
};
static const OptionTable inner_table = { inner_rows, ELEMENTSOF(inner_rows), sizeof(Inner) };

static const Option piece_rows[] = {
        { "name", OPTION_STRING, OPTION_ANYWHERE, AT_PIECE(name), .required = true },
        { "shape", OPTION_ENUM, OPTION_ANYWHERE, AT_PIECE(shape), .values = shapes, .default_text = "flat",
          .since = 254 },
        { "wait", OPTION_DURATION, OPTION_ANYWHERE, AT_PIECE(wait_usec), .default_text = "1m" },
        { "words", OPTION_STRING_LIST, OPTION_ANYWHERE, AT_PIECE(words) },
        { "labels", OPTION_STRING_MAP, OPTION_ANYWHERE, AT_PIECE(labels), .gate = GATE_CAPS },
        { "inner", OPTION_BLOCK, OPTION_ANYWHERE, AT_PIECE(inner), .block = &inner_table },
};
static const OptionTable piece_table = { piece_rows, ELEMENTSOF(piece_rows), sizeof(Piece) };

static const Option thing_rows[] = {
        { "flag", OPTION_BOOL, OPTION_ANYWHERE, AT(flag), .default_text = "true" },
        { "text", OPTION_STRING, OPTION_ANYWHERE, AT(text), .default_text = "a, b", .gate = GATE_PRIVILEGED },
        { "words", OPTION_STRING_LIST, OPTION_ANYWHERE, AT(words), .default_text = "a,b c" },
        { "map", OPTION_STRING_MAP, OPTION_ANYWHERE, AT(map), .default_text = "A=1,B=x=y", .secret = true,
          .check_key = check_label },
        { "shape", OPTION_ENUM, OPTION_ANYWHERE, AT(shape), .values = shapes, .gate = GATE_PROPERTIES },
        { "other_shape", OPTION_ENUM, OPTION_ANYWHERE, AT(other_shape), .values = shapes,
          .default_from = default_other_shape },
        { "size", OPTION_SIZE, OPTION_ANYWHERE, AT(size), .default_text = "4K" },
        { "number", OPTION_NUMBER, OPTION_ANYWHERE, AT(number), .default_text = "2048",
          .isolations = ISOLATION_SERVICE },
        { "wait", OPTION_DURATION, OPTION_ANYWHERE, AT(wait_usec), .default_text = "1m30s", .since = 255 },
        { "binds", OPTION_BIND, OPTION_ANYWHERE, AT(binds), .count_offset = offsetof(Thing, n_binds),
          .gate = GATE_VOLUMES },
        { "binds_ro", OPTION_BIND_READ_ONLY, OPTION_ANYWHERE, AT(binds), .count_offset = offsetof(Thing, n_binds),
          .gate = GATE_VOLUMES },
        { "inner", OPTION_BLOCK, OPTION_ANYWHERE, AT(inner), .block = &inner_table },
        { "piece", OPTION_BLOCKS, OPTION_ANYWHERE, AT(pieces), .count_offset = offsetof(Thing, n_pieces),
          .block = &piece_table, .isolations = ISOLATION_NSPAWN },
};
static const OptionTable thing_table = { thing_rows, ELEMENTSOF(thing_rows), sizeof(Thing) };
/* clang-format on */

static void thing_clear(Thing *thing) {
        option_clear(&thing_table, thing);
}
#define _cleanup_thing_ _cleanup_(thing_clear)

static void decode(Thing *thing, const char *text, Diagnostics *d) {
        _cleanup_value_ Value *config = NULL;

        cr_assert_eq(yaml_read(text, strlen(text), "t.yaml", &config, NULL), 0, "%s", text);
        (void) option_decode(&thing_table, thing, config, OPTION_IN_YAML, d);
}

static void decode_good(Thing *thing, const char *text) {
        _cleanup_diagnostics_ Diagnostics d = {};

        decode(thing, text, &d);
        _cleanup_free_ char *messages = diagnostics_to_string(&d);
        cr_assert_null(messages, "%s: %s", text, messages);
}

static void expect_messages(const char *text, const char *messages) {
        _cleanup_diagnostics_ Diagnostics d = { .source = "t.yaml" };
        _cleanup_thing_ Thing thing = {};

        decode(&thing, text, &d);
        _cleanup_free_ char *got = diagnostics_to_string(&d);
        cr_assert_str_eq(got ? got : "", messages, "%s\n%s", text, got);
}

static void expect_list(char *const *list, const char *wanted) {
        _cleanup_free_ char *joined = strv_join(list, "|");

        cr_assert_str_eq(joined, wanted);
}

static void expect_map(const StringMap *map, const char *wanted) {
        _cleanup_strv_ char **list = string_map_to_strv(map);

        expect_list(list, wanted);
}

/* ---- defaults ---- */

static void expect_defaults(const Thing *thing) {
        cr_assert(thing->flag);
        cr_assert_str_eq(thing->text, "a, b");
        expect_list(thing->words, "a|b c");
        expect_map(&thing->map, "A=1|B=x=y");
        cr_assert_eq(thing->shape, SHAPE_UNSET);
        cr_assert_eq(thing->other_shape, SHAPE_ROUND);
        cr_assert_eq(thing->size, 4096);
        cr_assert_eq(thing->number, 2048);
        cr_assert_eq(thing->wait_usec, 90 * USEC_PER_SEC);
        cr_assert_str_eq(thing->inner.text, "in");
        cr_assert_eq(thing->inner.number, 8);
        cr_assert(thing->n_binds == 0 && !thing->binds);
        cr_assert(thing->n_pieces == 0 && !thing->pieces);
}

Test(option_kinds, every_kind_may_have_a_default) {
        _cleanup_thing_ Thing thing = {}, empty = {};

        option_set_defaults(&thing_table, &thing, OPTION_IN_YAML);
        expect_defaults(&thing);
        decode_good(&empty, "{ text: ~, inner: ~, piece: ~, map: ~ }");
        expect_defaults(&empty);
}

Test(option_kinds, a_value_that_is_given_replaces_the_default) {
        _cleanup_thing_ Thing thing = {};

        decode_good(&thing,
                "{ flag: false, text: t, words: [ w ], map: { C: c }, shape: round, size: 1M, number: 0, wait: 0, "
                "inner: { number: 5 } }");
        cr_assert_not(thing.flag);
        cr_assert_str_eq(thing.text, "t");
        expect_list(thing.words, "w");
        expect_map(&thing.map, "C=c");
        cr_assert_eq(thing.shape, SHAPE_ROUND);
        cr_assert_eq(thing.other_shape, SHAPE_FLAT, "its default depends on flag");
        cr_assert_eq(thing.size, 1 << 20);
        cr_assert(thing.number == 0 && thing.wait_usec == 0);
        cr_assert_str_eq(thing.inner.text, "in");
        cr_assert_eq(thing.inner.number, 5);
}

/* ---- maps and enums ---- */

Test(option_kinds, maps_of_strings) {
        _cleanup_thing_ Thing thing = {};

        decode_good(&thing, "map: [ { A: 2, B: '' }, {}, { A: true } ]");
        expect_map(&thing.map, "A=true|B=");
        expect_messages("map: { _A: 1, B: [ s3cr3t ], C: 1.5 }",
                "t.yaml:1:12: map: \"_A\" is not allowed: must be a label without _ in front\n"
                "t.yaml:1:18: map: must be a string, not a list\n"
                "t.yaml:1:33: map: must be a string: put it in quotes, not a number");
        expect_messages("map: s3cr3t", "t.yaml:1:6: map: must be a map of strings, not a string");
}

Test(option_kinds, an_enum_is_one_of_its_values) {
        _cleanup_thing_ Thing thing = {};

        decode_good(&thing, "shape: flat");
        cr_assert_eq(thing.shape, SHAPE_FLAT);
        cr_assert_str_eq(option_value_name(shapes, SHAPE_FLAT), "flat");
        cr_assert_null(option_value_name(shapes, SHAPE_UNSET));
        expect_messages(
                "shape: square", "t.yaml:1:8: shape: \"square\" is not allowed: must be one of round, flat");
        expect_messages("shape: [ flat ]", "t.yaml:1:8: shape: must be a string, not a list");
        expect_messages("shape: 1.5", "t.yaml:1:8: shape: must be a string: put it in quotes, not a number");
}

/* ---- blocks ---- */

Test(option_kinds, a_block_may_be_given_many_times) {
        _cleanup_thing_ Thing thing = {};

        decode_good(&thing,
                "piece:\n- { name: a, words: [ x, y ], labels: { L: 1 }, inner: { text: deep } }\n"
                "- { name: b, shape: round, wait: 5s }\n");
        cr_assert_eq(thing.n_pieces, 2);
        const Piece *a = &thing.pieces[0], *b = &thing.pieces[1];
        cr_assert_str_eq(a->name, "a");
        cr_assert_eq(a->shape, SHAPE_FLAT, "each has its own defaults");
        cr_assert_eq(a->wait_usec, 60 * USEC_PER_SEC);
        expect_list(a->words, "x|y");
        expect_map(&a->labels, "L=1");
        cr_assert_str_eq(a->inner.text, "deep");
        cr_assert_eq(a->inner.number, 8);
        cr_assert_str_eq(b->name, "b");
        cr_assert_eq(b->shape, SHAPE_ROUND);
        cr_assert_eq(b->wait_usec, 5 * USEC_PER_SEC);
        cr_assert_str_eq(b->inner.text, "in");
        cr_assert_null(b->words);
}

Test(option_kinds, a_block_that_is_given_once_needs_no_list) {
        _cleanup_thing_ Thing one = {}, none = {};

        decode_good(&one, "piece: { name: a }");
        cr_assert_eq(one.n_pieces, 1);
        decode_good(&none, "piece: []");
        cr_assert_eq(none.n_pieces, 0);
}

Test(option_kinds, mistakes_in_blocks_are_told_where_they_stand) {
        expect_messages(
                "flag: 1\npiece:\n- shape: square\n- name: b\n  inner: { numbr: 1, text: [] }\n- c\n",
                "t.yaml:1:7: flag: must be true or false, not a number (1)\n"
                "t.yaml:3:10: piece.shape: \"square\" is not allowed: must be one of round, flat\n"
                "t.yaml:3:3: piece.name: missing, it must be given\n"
                "t.yaml:5:12: piece.inner.numbr: no such option; did you mean piece.inner.number?\n"
                "t.yaml:5:28: piece.inner.text: must be a string, not a list\n"
                "t.yaml:6:3: piece: must be a block, not a string (\"c\")");
        expect_messages("piece: 5", "t.yaml:1:8: piece: must be a block, not a number (5)");
        expect_messages("piece.name: a", "t.yaml:1:1: piece.name: no such option");
}

Test(option_kinds, rows_of_blocks_are_found_and_visited_by_their_whole_name) {
        cr_assert_eq(option_find(&thing_table, "piece.inner.number", OPTION_IN_JOB), &inner_rows[1]);
        cr_assert_eq(option_find(&thing_table, "piece", OPTION_IN_JOB), &thing_rows[12]);
        cr_assert_null(option_find(&thing_table, "piece.number", OPTION_IN_JOB));
        cr_assert_null(option_find(&thing_table, "number.piece", OPTION_IN_JOB));
        cr_assert_null(option_find(&thing_table, "piece.inner.number", OPTION_IN_DRIVER));
}

static void add_name(const char *name, const Option *option _unused_, void *userdata) {
        strv_append(userdata, name);
}

Test(option_kinds, all_rows_are_visited_with_blocks_before_their_members) {
        _cleanup_strv_ char **names = NULL;

        option_visit(&piece_table, OPTION_IN_YAML, add_name, &names);
        expect_list(names, "name|shape|wait|words|labels|inner|inner.text|inner.number");
}

/* ---- copies ---- */

/* A copy shares no memory with the original; otherwise the address sanitizer reports a double free. */
Test(option_kinds, a_copy_is_the_same_and_shares_nothing) {
        _cleanup_thing_ Thing thing = {}, copy = {};

        decode_good(&thing,
                "{ text: t, binds: { /a: /b }, binds_ro: { /c: /d }, shape: flat, size: 2K, piece: [ { name: a, "
                "labels: { L: 1 } }, { name: b, words: [ w ] } ] }");
        option_copy(&thing_table, &copy, &thing);
        option_clear(&thing_table, &thing);
        cr_assert(!thing.text && !thing.pieces && thing.n_pieces == 0 && thing.n_binds == 0 && !thing.flag);

        cr_assert(copy.flag);
        cr_assert_str_eq(copy.text, "t");
        expect_list(copy.words, "a|b c");
        expect_map(&copy.map, "A=1|B=x=y");
        cr_assert(copy.shape == SHAPE_FLAT && copy.other_shape == SHAPE_ROUND);
        cr_assert(copy.size == 2048 && copy.number == 2048 && copy.wait_usec == 90 * USEC_PER_SEC);
        cr_assert_eq(copy.n_binds, 2, "two options share the array");
        cr_assert(streq(copy.binds[0].target, "/b") && !copy.binds[0].read_only);
        cr_assert(streq(copy.binds[1].source, "/c") && copy.binds[1].read_only);
        cr_assert_str_eq(copy.inner.text, "in");
        cr_assert_eq(copy.n_pieces, 2);
        expect_map(&copy.pieces[0].labels, "L=1");
        expect_list(copy.pieces[1].words, "w");
        cr_assert_eq(copy.pieces[1].shape, SHAPE_FLAT);
        cr_assert_str_eq(copy.pieces[1].inner.text, "in");
}

Test(option_kinds, every_option_of_a_task_is_copied) {
        static const char text[] =
                "{ name: n, image: /i, boot: false, command: [ a, b ], read_only: true, volatile: state, user: u, "
                "environment: { A: 1 }, bind: { /a: /b }, bind_read_only: { /c: /d }, capability: [ all ], "
                "restart: { policy: always, delay: 5s }, memory: 5M, cpus: '1', console: passive }";
        _cleanup_task_spec_ TaskSpec *spec = task_spec_new(), *copy = task_spec_new();
        _cleanup_diagnostics_ Diagnostics d = {};
        _cleanup_value_ Value *config = NULL;

        cr_assert_eq(yaml_read(text, strlen(text), "t.yaml", &config, NULL), 0);
        cr_assert_eq(option_decode(&task_options, spec, config, OPTION_IN_YAML, &d), 0);
        option_copy(&task_options, copy, spec);
        cr_assert(copy->image != spec->image && streq(copy->image, "/i"));
        cr_assert(!copy->boot && copy->read_only && copy->volatile_mode == VOLATILE_STATE);
        cr_assert(strv_equal(copy->command, spec->command) && copy->command != spec->command);
        cr_assert_str_eq(string_map_get(&copy->environment, "A"), "1");
        cr_assert(copy->n_binds == 2 && copy->binds[1].read_only);
        cr_assert(copy->restart.policy == RESTART_ALWAYS && copy->restart.delay_usec == 5 * USEC_PER_SEC);
        cr_assert(copy->memory_low == 5 << 20 && streq(copy->cpus, "1") && copy->console == CONSOLE_PASSIVE);
}

/* ---- policy ---- */

static void expect_policy(const Policy *policy, const char *text, const char *messages) {
        _cleanup_diagnostics_ Diagnostics d = { .source = "t.yaml" };
        _cleanup_thing_ Thing thing = {};

        decode(&thing, text, &d);
        int r = policy_check(policy, &thing_table, OPTION_IN_YAML, &d);
        _cleanup_free_ char *got = diagnostics_to_string(&d);
        cr_assert_str_eq(got ? got : "", messages, "%s\n%s", text, got);
        cr_assert_eq(r, d.n_items > 0 ? -d.items[d.n_items - 1].code : 0);
}

Test(option_kinds, what_the_operator_does_not_allow_is_refused_where_it_stands) {
        static const char text[] =
                "text: t\nbinds: { /a: /b }\nshape: flat\npiece:\n- { name: a, labels: { L: 1 } }\n";

        expect_policy(&(Policy){ .gates = GATE_ALL }, text, "");
        expect_policy(&(Policy){ .gates = GATE_ALL & ~(unsigned) GATE_VOLUMES }, text,
                "t.yaml:2:1: binds: is not allowed: the driver's option volumes is false on this client");
        expect_policy(&(Policy){ .gates = GATE_VOLUMES | GATE_PRIVILEGED }, text,
                "t.yaml:3:1: shape: is not allowed: this client allows no properties of the unit\n"
                "t.yaml:5:14: piece.labels: is not allowed: this client allows no more capabilities than a "
                "container has by default");
        expect_policy(&(Policy){ .gates = GATE_VOLUMES | GATE_CAPS | GATE_PROPERTIES }, text,
                "t.yaml:1:1: text: is not allowed: this client allows no task that can act on the host");
        expect_policy(&(Policy){}, "number: 5\ntext: ~\n", "");
}

Test(option_kinds, what_the_isolation_or_the_host_cannot_do_is_refused) {
        static const char text[] = "number: 5\nwait: 5s\npiece: { name: a, shape: flat }\n";

        expect_policy(&(Policy){ .isolation = ISOLATION_NSPAWN, .systemd = 255 }, text,
                "t.yaml:1:1: number: not possible with isolation = \"nspawn\"");
        expect_policy(&(Policy){ .isolation = ISOLATION_SERVICE, .systemd = 262 }, text,
                "t.yaml:3:1: piece: not possible with isolation = \"service\"");
        expect_policy(&(Policy){ .systemd = 252 }, text,
                "t.yaml:2:1: wait: needs systemd 255 or newer, and this host has 252\n"
                "t.yaml:3:19: piece.shape: needs systemd 254 or newer, and this host has 252");
        expect_policy(&(Policy){}, text, "");
}

Test(option_kinds, a_use_that_has_a_name_of_its_own_is_called_by_it) {
        _cleanup_diagnostics_ Diagnostics d = {};
        const DriverConfig config = { .enabled = true };
        const Policy policy = policy_of_driver(&config),
                     open = policy_of_driver(&(DriverConfig){ .volumes = true });

        diagnostics_note(&d, "volume_mount", 0, 0, "/data");
        diagnostics_note(&d, "volume_mount", 0, 0, "/more");
        cr_assert_eq(policy_check(&open, &task_options, OPTION_FROM_NOMAD, &d), 0);
        cr_assert_eq(policy_check(&policy, &task_options, OPTION_IN_JOB, &d), 0, "jobs have no such option");
        cr_assert_eq(policy_check(&policy, &task_options, OPTION_FROM_NOMAD, &d), -EPERM);
        _cleanup_free_ char *messages = diagnostics_to_string(&d);
        cr_assert_str_eq(messages,
                "volume_mount: \"/data\" is not allowed: the driver's option volumes is false on this client\n"
                "volume_mount: \"/more\" is not allowed: the driver's option volumes is false on this client");
}
