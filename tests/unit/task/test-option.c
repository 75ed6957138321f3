/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "base/string.h"
#include "base/strv.h"
#include "cli/yaml.h"
#include "task/driver-config.h"
#include "task/option.h"
#include "task/spec.h"

TestSuite(option, .timeout = 30);

static const OptionUse uses[] = { OPTION_IN_JOB, OPTION_IN_YAML, OPTION_FROM_NOMAD, OPTION_IN_DRIVER };

static Value *read_config(const char *text) {
        Value *config = NULL;

        cr_assert_eq(yaml_read(text, strlen(text), "t.yaml", &config, NULL), 0, "%s", text);
        return config;
}

/* Reads options of the table. Return: the messages, owned by the caller; NULL for none. */
static char *decode_into(TaskSpec *spec, const char *text, const char *source) {
        _cleanup_value_ Value *config = read_config(text);
        _cleanup_diagnostics_ Diagnostics d = { .source = source };
        int r = option_decode(&task_options, spec, config, OPTION_IN_YAML, &d);

        cr_assert_eq(r, d.n_items > 0 ? -EINVAL : 0, "%s", text);
        return diagnostics_to_string(&d);
}

static TaskSpec *decode(const char *text) {
        TaskSpec *spec = task_spec_new();
        _cleanup_free_ char *messages = decode_into(spec, text, NULL);

        cr_assert_null(messages, "%s: %s", text, messages);
        return spec;
}

static void expect_refused(const char *text, const char *source, const char *message) {
        _cleanup_task_spec_ TaskSpec *spec = task_spec_new();
        _cleanup_free_ char *messages = decode_into(spec, text, source);

        cr_assert_not_null(messages, "%s", text);
        cr_assert_str_eq(messages, message, "%s\n%s", text, messages);
}

/* Return: the text of a file with this option, which may be a member of a block; owned by the caller. */
static char *file_of(const char *option, const char *value) {
        const char *member = strchr(option, '.');

        if (!member)
                return xasprintf("image: /i\n%s: %s\n", option, value);
        return xasprintf(
                "image: /i\n%.*s: { %s: %s }\n", (int) (member - option), option, member + 1, value);
}

/* Expects that this value is refused, with a message that begins with the option and contains @part. */
static void expect_bad_value(const char *option, const char *value, const char *part) {
        _cleanup_free_ char *text = file_of(option, value), *prefix = xasprintf("%s: ", option);
        _cleanup_task_spec_ TaskSpec *spec = task_spec_new();
        _cleanup_free_ char *messages = decode_into(spec, text, NULL);

        cr_assert_not_null(messages, "%s", text);
        cr_assert_not_null(string_after_prefix(messages, prefix), "%s", messages);
        cr_assert_not_null(strstr(messages, part), "%s: %s", text, messages);
}

static void expect_good_value(const char *option, const char *value) {
        _cleanup_free_ char *text = file_of(option, value);

        task_spec_free(decode(text));
}

/* ---- the tables ---- */

static const OptionTable *const tables[] = { &task_options, &driver_options };

static bool is_block(const Option *option) {
        return option->kind == OPTION_BLOCK || option->kind == OPTION_BLOCKS;
}

static void check_row(const char *name, const Option *option, void *userdata _unused_) {
        cr_assert_not(string_is_empty(option->name));
        cr_assert_null(strchr(option->name, '.'), "%s", name);
        cr_assert_not(string_is_empty(option->doc), "%s", name);
        cr_assert(string_has_suffix(option->doc, "."), "%s", name);
        cr_assert_null(strchr(option->doc, '\n'), "%s", name);
        cr_assert_lt(option->kind, _OPTION_KIND_MAX, "%s", name);
        cr_assert_not(string_is_empty(option_kind_to_string(option->kind)));
        cr_assert(option->kind != OPTION_BOOL || option->default_text, "%s", name);
        cr_assert_not(option->default_text && option->default_from, "%s", name);
        cr_assert_not(option->required && (option->default_text || option->default_from), "%s", name);
        cr_assert(!option->default_from || option->default_doc, "%s", name);
        cr_assert_not(option->gate && option->default_text, "%s: Nomad sends defaults as if given", name);
        cr_assert_eq(option->values != NULL, option->kind == OPTION_ENUM, "%s", name);
        cr_assert_eq(option->block != NULL, is_block(option), "%s", name);
        cr_assert_not(is_block(option) && (option->default_text || option->default_from), "%s", name);
}

static void check_size(const OptionTable *table) {
        OPTION_FOREACH (option, table) {
                cr_assert_lt(option->offset, table->size, "%s", option->name);
                cr_assert_lt(option->count_offset, table->size, "%s", option->name);
                cr_assert_neq(option->use, 0, "%s", option->name);
                if (option->block)
                        check_size(option->block);
        }
}

static void check_found(const char *name, const Option *option, void *userdata) {
        const OptionUse *use = userdata;

        cr_assert_eq(option_find(option_table_of(*use), name, *use), option, "%s", name);
}

Test(option, rows_are_complete) {
        for (size_t i = 0; i < ELEMENTSOF(uses); i++)
                option_visit(option_table_of(uses[i]), uses[i], check_row, NULL);
        for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                check_size(tables[i]);
}

Test(option, names_are_unique_and_found_by_their_users_only) {
        static const struct {
                const char *name;
                OptionUse use;
        } unknown[] = {
                { "memory", OPTION_IN_JOB }, /* a job has that in its resources */
                { "name", OPTION_IN_JOB },
                { "volume_mount", OPTION_IN_JOB },
                { "volumes", OPTION_ANYWHERE },
                { "image", OPTION_IN_DRIVER },
                { "", OPTION_ANYWHERE },
                { "Image", OPTION_ANYWHERE },
                { "restart.", OPTION_ANYWHERE },
                { "restart.policy.", OPTION_ANYWHERE },
                { "image.policy", OPTION_ANYWHERE },
                { ".policy", OPTION_ANYWHERE },
        };

        for (size_t i = 0; i < ELEMENTSOF(uses); i++) {
                OptionUse use = uses[i];
                option_visit(option_table_of(use), use, check_found, &use);
        }
        for (size_t i = 0; i < ELEMENTSOF(unknown); i++)
                cr_assert_null(option_find(option_table_of(unknown[i].use), unknown[i].name, unknown[i].use),
                        "%s", unknown[i].name);
}

static bool is_bind(const Option *option) {
        return option->kind == OPTION_BIND || option->kind == OPTION_BIND_READ_ONLY;
}

Test(option, options_do_not_share_their_place) {
        for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                OPTION_FOREACH (a, tables[i])
                        OPTION_FOREACH (b, tables[i])
                                if (a != b && a->offset == b->offset)
                                        cr_assert(is_bind(a) && is_bind(b), "%s", a->name);
}

/* Defaults that cannot be read end the program. */
Test(option, every_default_can_be_read) {
        for (size_t i = 0; i < ELEMENTSOF(uses); i++) {
                _cleanup_task_spec_ TaskSpec *spec = task_spec_new();

                if (uses[i] != OPTION_IN_DRIVER)
                        option_set_defaults(&task_options, spec, uses[i]);
        }
        cr_assert_eq(driver_config_decode(NULL, &(DriverConfig){}, NULL), 0);
}

/* ---- defaults ---- */

Test(option, defaults) {
        _cleanup_task_spec_ TaskSpec *spec = decode("image: /i\n");

        cr_assert_str_eq(spec->image, "/i");
        cr_assert(spec->boot && spec->init);
        cr_assert(spec->user_namespacing);
        cr_assert(spec->network_veth);
        cr_assert_not(spec->read_only || spec->ephemeral || spec->process_two);
        cr_assert_eq(spec->volatile_mode, VOLATILE_NO);
        cr_assert_eq(spec->console, CONSOLE_READ_ONLY);
        cr_assert_str_eq(spec->private_users, "pick");
        cr_assert_eq(spec->private_users_ownership, OWNERSHIP_AUTO);
        cr_assert_eq(spec->resolv_conf, RESOLV_CONF_UNSET);
        cr_assert(strv_is_empty(spec->command) && spec->environment.n == 0 && spec->n_binds == 0);
        cr_assert_eq(spec->oom_policy, OOM_CONTINUE);
        cr_assert_eq(spec->restart.policy, RESTART_NO);
        cr_assert_eq(spec->restart.delay_usec, 100 * USEC_PER_MSEC);
        cr_assert_eq(spec->log_rate_limit.interval_usec, 30 * USEC_PER_SEC);
        cr_assert(spec->memory_max == 0 && spec->memory_low == 0 && spec->cpu_shares == 0 && !spec->cpus);
}

Test(option, output_of_a_command_that_is_not_booted_is_kept_apart) {
        static const struct {
                const char *text;
                Console console;
        } rows[] = {
                { "image: /i\n", CONSOLE_READ_ONLY },
                { "image: /i\nboot: true\nconsole: ~\n", CONSOLE_READ_ONLY },
                { "console: ~\nimage: /i\nboot: false\n", CONSOLE_PIPE },
                { "console: pipe\nimage: /i\n", CONSOLE_PIPE },
                { "console: read-only\nimage: /i\nboot: false\n", CONSOLE_READ_ONLY },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_task_spec_ TaskSpec *spec = decode(rows[i].text);

                cr_assert_eq(spec->console, rows[i].console, "%s", rows[i].text);
        }
}

Test(option, the_driver_is_enabled_with_volumes_by_default) {
        _cleanup_value_ Value *empty = value_new_map(), *config = value_new_map();
        DriverConfig driver = {};
        _cleanup_error_ Error *error = NULL;

        cr_assert_eq(driver_config_decode(empty, &driver, NULL), 0);
        cr_assert(driver.enabled && driver.volumes && !driver.disable_log_collection);
        cr_assert_eq(driver.orphan_timeout_usec, 0);
        cr_assert_eq(value_set(config, "orphan_timeout", value_new_string("1m30s")), 0);
        cr_assert_eq(value_set(config, "disable_log_collection", value_new_bool(true)), 0);
        cr_assert_eq(value_set(config, "volumes", value_new_bool(false)), 0);
        cr_assert_eq(driver_config_decode(config, &driver, NULL), 0);
        cr_assert(driver.enabled && !driver.volumes && driver.disable_log_collection);
        cr_assert_eq(driver.orphan_timeout_usec, 90 * USEC_PER_SEC);
        cr_assert_eq(value_set(config, "image", value_new_string("/i")), 0);
        cr_assert_eq(driver_config_decode(config, &driver, &error), -EINVAL);
        cr_assert_str_eq(error->message, "image: no such option");
        cr_assert_eq(value_set(config, "volums", value_new_bool(false)), 0);
        cr_assert_eq(driver_config_decode(config, &driver, &error), -EINVAL);
        cr_assert_not_null(strstr(error->message, "volums: no such option; did you mean volumes?"));
}

Test(option, null_is_not_given) {
        _cleanup_task_spec_ TaskSpec *spec = decode(
                "image: /i\nboot: null\ncommand: ~\nconsole:\nbind: null\nmemory: ~\ncpu_shares: ~\n");

        cr_assert(spec->boot);
        cr_assert_eq(spec->console, CONSOLE_READ_ONLY);
        cr_assert_eq(spec->memory_low, 0);
        expect_refused("image: null\n", NULL, "image: missing, it must be given");
}

/* ---- every kind ---- */

Test(option, every_kind_lands_in_its_place) {
        _cleanup_task_spec_ TaskSpec *spec = decode("image: /i\n"
                                                    "boot: false\n"
                                                    "console: pipe\n"
                                                    "command: [sh, -c, 'exit 1']\n"
                                                    "environment: { A: x, B: '' }\n"
                                                    "bind: { /a: /b }\n"
                                                    "bind_read_only: { /c: /d }\n"
                                                    "memory: 1G\n"
                                                    "cpu_shares: 512\n");

        cr_assert_not(spec->boot);
        cr_assert_eq(spec->console, CONSOLE_PIPE);
        cr_assert_eq(strv_length(spec->command), 3);
        cr_assert_str_eq(spec->command[2], "exit 1");
        cr_assert_str_eq(string_map_get(&spec->environment, "A"), "x");
        cr_assert_str_eq(string_map_get(&spec->environment, "B"), "");
        cr_assert_eq(spec->n_binds, 2);
        cr_assert_str_eq(spec->binds[0].source, "/a");
        cr_assert_str_eq(spec->binds[0].target, "/b");
        cr_assert_not(spec->binds[0].read_only);
        cr_assert_str_eq(spec->binds[1].target, "/d");
        cr_assert(spec->binds[1].read_only);
        cr_assert_eq(spec->memory_low, UINT64_C(1) << 30);
        cr_assert_eq(spec->cpu_shares, 512);
}

Test(option, lists_of_maps_mean_the_same_as_a_map) {
        _cleanup_task_spec_ TaskSpec *spec = decode("image: /i\n"
                                                    "environment: [ { A: 1, B: 2 }, { A: 3 }, {} ]\n"
                                                    "bind: [ { /a: /b }, { /c: /d } ]\n"
                                                    "bind_read_only: []\n");

        cr_assert_eq(spec->environment.n, 2);
        cr_assert_str_eq(string_map_get(&spec->environment, "A"), "3", "the last one wins");
        cr_assert_str_eq(string_map_get(&spec->environment, "B"), "2");
        cr_assert_eq(spec->n_binds, 2);
        cr_assert_str_eq(spec->binds[1].source, "/c");
}

Test(option, scalars_become_strings_where_strings_are_wanted) {
        _cleanup_task_spec_ TaskSpec *spec = decode(
                "image: /i\ncommand: [ 5, -1, true, false ]\nuser: 1000\n"
                "private_users: 65536\nname: 7\nenvironment: { A: 1, B: true }\n");

        cr_assert_str_eq(spec->command[0], "5");
        cr_assert_str_eq(spec->command[1], "-1");
        cr_assert_str_eq(spec->command[2], "true");
        cr_assert_str_eq(spec->command[3], "false");
        cr_assert_str_eq(spec->user, "1000");
        cr_assert_str_eq(spec->private_users, "65536");
        cr_assert_str_eq(spec->name, "7");
        cr_assert_str_eq(string_map_get(&spec->environment, "B"), "true");
}

Test(option, a_fraction_from_a_text_must_be_quoted) {
        expect_refused("image: /i\ncommand: [ sleep, 1.10 ]\n", "t.yaml",
                "t.yaml:2:19: command: must be a string: put it in quotes, not a number");
        expect_bad_value("environment", "{ A: 1.5 }", "put it in quotes");
        expect_good_value("command", "[ sleep, '1.10' ]");
}

Test(option, a_fraction_from_nomad_is_taken_as_it_is) {
        _cleanup_value_ Value *config = value_new_map();
        _cleanup_task_spec_ TaskSpec *spec = task_spec_new();
        _cleanup_diagnostics_ Diagnostics d = {};
        Value *list = value_new_list();

        value_append(list, value_new_float(1.5));
        cr_assert_eq(value_set(config, "image", value_new_string("/i")), 0);
        cr_assert_eq(value_set(config, "command", list), 0);
        cr_assert_eq(option_decode(&task_options, spec, config, OPTION_IN_JOB, &d), 0);
        cr_assert_str_eq(spec->command[0], "1.5");
}

/* ---- what is refused ---- */

Test(option, what_is_wrong_is_told_with_line_and_column) {
        expect_refused(
                "image: /i\nboto: true\n", "t.yaml", "t.yaml:2:1: boto: no such option; did you mean boot?");
        expect_refused("boot: true\n", "t.yaml", "t.yaml:1:1: image: missing, it must be given");
        expect_refused("image: /i\n  \nboot:   5\n", "a b",
                "a b:3:9: boot: must be true or false, not a number (5)");
        expect_refused("image: /i\nbind:\n  /a: b\n", "t.yaml",
                "t.yaml:3:7: bind: \"b\" is not allowed: must be an absolute path");
        expect_refused("- image\n", "t.yaml", "t.yaml:1:1: must be a map of options, not a list");
}

Test(option, without_a_source_there_is_no_place) {
        expect_refused("image: /i\nboto: true\n", NULL, "boto: no such option; did you mean boot?");
        expect_refused("boot: true\n", NULL, "image: missing, it must be given");
        expect_refused("hello\n", NULL, "must be a map of options, not a string");
        expect_refused("image: /i\nconsole: tty\n", NULL,
                "console: \"tty\" is not allowed: must be one of interactive, read-only, passive, pipe");
}

Test(option, wrong_types) {
        expect_bad_value("boot", "'true'", "must be true or false, not a string");
        expect_bad_value("command", "sleep", "must be a list of strings, not a string");
        expect_bad_value("command", "[ [ a ] ]", "must be a string, not a list");
        expect_bad_value("command", "[ ~ ]", "must be a string");
        expect_bad_value("console", "[ pipe ]", "must be a string, not a list");
        expect_bad_value("environment", "A=1", "must be a map of strings, not a string");
        expect_bad_value("environment", "[ A=1 ]", "must be a map of strings, not a string");
        expect_bad_value("environment", "{ A: [ 1 ] }", "must be a string, not a list");
        expect_bad_value("bind", "[ [ { /a: /b } ] ]", "must be a map of strings, not a list");
        expect_bad_value("cpu_shares", "'5'", "must be a number from 0 up, not a string");
        expect_bad_value("cpu_shares", "-5", "must be a number from 0 up");
        expect_bad_value("memory", "true", "bytes");
        expect_bad_value("memory", "[ 1 ]", "bytes");
}

Test(option, values_that_are_not_allowed_are_named_with_what_is) {
        expect_bad_value(
                "volatile", "maybe", "\"maybe\" is not allowed: must be one of yes, state, overlay, no");
        expect_bad_value(
                "oom_policy", "ignore", "\"ignore\" is not allowed: must be one of continue, stop, kill");
        expect_bad_value("private_users_ownership", "chmod", "auto, map, chown");
        expect_bad_value("resolv_conf", "on", "\"on\" is not allowed: must be one of off, copy-host");
        expect_bad_value("working_directory", "srv", "\"srv\" is not allowed: must be an absolute path");
        expect_bad_value("working_directory", "''", "an absolute path");
        expect_bad_value(
                "environment", "{ '': x }", "\"\" is not allowed: must be a name that is not empty");
        expect_bad_value("environment", "{ 'A=B': x }", "\"A=B\" is not allowed");
        expect_bad_value("bind", "{ a: /b }", "\"a\" is not allowed: must be an absolute path");
        expect_bad_value("bind_read_only", "{ /a: '' }", "\"\" is not allowed");
        expect_refused("image: ''\n", NULL, "image: \"\" is not allowed: must be a path or a name");
        expect_bad_value("user", "a/b", "user name");
        expect_bad_value("user", "''", "user name");
        expect_bad_value("name", "a/b", "without a slash");
        expect_bad_value("name", "''", "1 to 64");
        expect_bad_value("cpus", "3-0", "\"3-0\" is not allowed: must be a list such as 0-3,5");
        expect_bad_value("reload_signal", "SIGNONSENSE", "a signal such as SIGHUP");
        expect_bad_value("reload_signal", "SIGKILL", "not SIGKILL or SIGSTOP");
}

static void expect_values(const char *name, const Option *option, void *userdata) {
        unsigned *n = userdata;

        for (const OptionValue *v = option->values; v && v->name; v++) {
                _cleanup_free_ char *quoted = xasprintf("'%s'", v->name);

                expect_good_value(name, quoted);
                cr_assert_str_eq(option_value_name(option->values, v->value), v->name);
                cr_assert_not(string_is_empty(v->doc), "%s: %s", name, v->name);
                (*n)++;
        }
}

Test(option, every_value_of_a_list_is_allowed) {
        unsigned n = 0;

        option_visit(&task_options, OPTION_IN_YAML, expect_values, &n);
        cr_assert_eq(n, 4 + 4 + 15 + 3 + 4 + 3);
}

Test(option, forms_of_private_users) {
        static const char *const good[] = { "'yes'", "'no'", "pick", "identity", "0", "65536",
                "'65536:65536'", "4294967294" };
        static const char *const bad[] = { "''", "chown", "'5:'", "':5'", "'5:6:7'", "-1", "4294967295",
                "'1 '", "'pick:1'", "'0x10'", "'99999999999999999999'" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                expect_good_value("private_users", good[i]);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                expect_bad_value("private_users", bad[i], "FIRST:COUNT");
}

Test(option, capabilities_are_spelled_as_the_kernel_does) {
        _cleanup_task_spec_ TaskSpec *spec = decode(
                "image: /i\ncapability: [ CAP_NET_ADMIN, NET_RAW, net_raw, cap_sys_time, Cap_Chown, ALL, all ]\n");
        _cleanup_free_ char *joined = strv_join(spec->capability, " ");

        cr_assert_str_eq(joined, "CAP_NET_ADMIN CAP_NET_RAW CAP_NET_RAW CAP_SYS_TIME CAP_CHOWN all all");
}

Test(option, a_wrong_capability_is_named_with_the_right_one) {
        expect_bad_value("capability", "[ CAP_NET_ADMN ]",
                "\"CAP_NET_ADMN\" is not allowed: must be the name of a capability (capabilities(7)), or all; "
                "did you mean CAP_NET_ADMIN?");
        expect_bad_value("capability", "[ sysadmin ]", "\"sysadmin\" is not allowed");
        expect_bad_value("capability", "[ sysadmin ]", "did you mean CAP_SYS_ADMIN?");
        expect_bad_value("capability", "[ nonsense ]", "or all, such as CAP_NET_ADMIN");
        expect_bad_value("capability", "[ 'CAP_KILL,CAP_CHOWN' ]", "is not allowed");
        expect_bad_value("capability", "[ CAP_ ]", "is not allowed");
        expect_bad_value("capability", "[ '' ]", "is not allowed");
        expect_bad_value("capability", "[ '40' ]", "is not allowed");
}

Test(option, forms_of_pivot_root) {
        expect_good_value("pivot_root", "/new");
        expect_good_value("pivot_root", "/new:/old");
        expect_bad_value("pivot_root", "new", "an absolute path, or two");
        expect_bad_value("pivot_root", "/new:old", "an absolute path, or two");
        expect_bad_value("pivot_root", "'/new:'", "an absolute path, or two");
        expect_bad_value("pivot_root", "/a:/b:/c", "an absolute path, or two");
}

Test(option, sizes) {
        static const struct {
                const char *text;
                uint64_t bytes;
        } rows[] = {
                { "1", 1 },
                { "4096", 4096 },
                { "1K", 1024 },
                { "512M", UINT64_C(512) << 20 },
                { "'2G'", UINT64_C(2) << 30 },
                { "3T", UINT64_C(3) << 40 },
                { "9223372036854775807", INT64_MAX },
                { "8388607T", UINT64_C(8388607) << 40 },
        };
        static const char *const bad[] = { "0", "0K", "-1", "K", "''", "1k", "1KB", "1.5G", "1 G", "' 1'",
                "1P", "9223372036854775808", "8388608T", "18446744073709551616", "99999999999999999999T",
                "0x10K" };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *text = xasprintf("image: /i\nmemory_max: %s\n", rows[i].text);
                _cleanup_task_spec_ TaskSpec *spec = decode(text);
                cr_assert_eq(spec->memory_max, rows[i].bytes, "%s", rows[i].text);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *text = xasprintf("'%s'", *bad[i] == '\'' ? "" : bad[i]);
                expect_bad_value("memory", text, "bytes");
        }
}

Test(option, durations) {
        static const struct {
                const char *text;
                uint64_t usec;
        } rows[] = {
                { "100ms", 100000 },
                { "500ms", 500000 },
                { "5", 5000000 },
                { "'5'", 5000000 },
                { "5s", 5000000 },
                { "1m30s", 90000000 },
                { "1d2h3m4s500ms", UINT64_C(93784500000) },
                { "0h2s", 2000000 },
                { "1s99ms", 1099000 },
                { "18446744073709", UINT64_C(18446744073709000000) },
        };
        static const char *const bad[] = { "''", "s", "-5s", "-5", "1.5s", "1.5", "5 s", "' 5s'", "5s ",
                "5S", "5m5", "s5", "30s1m", "5s5s", "5us", "5min", "1m30", "1e3", "+5s", "5s,", "0x5s",
                "18446744073710", "18446744073710s", "213503983d", "18446744073709s552ms",
                "99999999999999999999s", "true", "[ 5s ]", "{ a: 5s }" };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *text = file_of("restart.delay", rows[i].text);
                _cleanup_task_spec_ TaskSpec *spec = decode(text);
                cr_assert_eq(spec->restart.delay_usec, rows[i].usec, "%s", rows[i].text);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *text = xasprintf("'%s'", bad[i]);
                bool quoted = *bad[i] == '\'' || *bad[i] == '[' || *bad[i] == '{';
                expect_bad_value("restart.interval", quoted ? bad[i] : text, "1m30s");
        }
        expect_bad_value("restart.delay", "99ms",
                "\"99ms\" is not allowed: must be a duration such as 500ms, 5s or 1m30s, at least 100ms");
        expect_bad_value("restart.delay", "0", "at least 100ms");
        expect_bad_value("restart.interval", "0s", "\"0s\" is not allowed: must be a duration longer than");
}

/* ---- blocks ---- */

static void expect_restart(const TaskSpec *spec) {
        cr_assert_eq(spec->restart.policy, RESTART_ON_FAILURE);
        cr_assert_eq(spec->restart.delay_usec, 500000);
        cr_assert_eq(spec->restart.max_attempts, 3);
        cr_assert_eq(spec->restart.interval_usec, 90000000);
}

Test(option, a_block_may_stand_in_a_list) {
        static const char *const good[] = {
                "image: /i\nrestart: { policy: on-failure, delay: 500ms, max_attempts: 3, interval: 1m30s }\n",
                "image: /i\nrestart: [ { policy: on-failure, delay: 500ms, max_attempts: 3, interval: 90 } ]\n",
        };
        static const char *const empty[] = { "{}", "[]", "[ {} ]", "~", "{ policy: ~, delay: ~ }" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_task_spec_ TaskSpec *spec = decode(good[i]);
                expect_restart(spec);
        }
        for (size_t i = 0; i < ELEMENTSOF(empty); i++) {
                _cleanup_free_ char *text = xasprintf("image: /i\nrestart: %s\n", empty[i]);
                _cleanup_task_spec_ TaskSpec *spec = decode(text);
                cr_assert_eq(spec->restart.policy, RESTART_NO, "%s", text);
                cr_assert_eq(spec->restart.delay_usec, 100 * USEC_PER_MSEC, "%s", text);
        }
}

Test(option, what_is_no_block_is_refused) {
        expect_refused("image: /i\nrestart: always\n", "t.yaml",
                "t.yaml:2:10: restart: must be a block, not a string (\"always\")");
        expect_refused("image: /i\nrestart: [ always ]\n", NULL,
                "restart: must be a block, not a string (\"always\")");
        expect_refused(
                "image: /i\nrestart: true\n", NULL, "restart: must be a block, not true or false (true)");
        expect_refused("image: /i\nrestart: [ {}, {} ]\n", NULL, "restart: must be given once, not a list");
        expect_refused("image: /i\nrestart: { attempts: 3 }\n", "t.yaml",
                "t.yaml:2:12: restart.attempts: no such option");
        expect_refused("image: /i\nrestart: { image: /i }\n", NULL, "restart.image: no such option");
        expect_refused("image: /i\nrestart.policy: always\n", NULL, "restart.policy: no such option");
        expect_refused("image: /i\nrestart: { policy: sometimes }\n", NULL,
                "restart.policy: \"sometimes\" is not allowed: must be one of no, on-failure, on-success, always");
        expect_bad_value("restart.max_attempts", "-1", "must be a number from 0 up");
        expect_bad_value("restart.max_attempts", "'3'", "must be a number from 0 up, not a string");
        expect_bad_value("restart.max_attempts", "1.5", "must be a number from 0 up");
}

/* The schema has "any" for a block, so Nomad passes on the value as it is in the job. */
Test(option, a_number_in_a_block_of_a_job_may_be_a_string) {
        _cleanup_value_ Value *config = value_new_map();
        _cleanup_task_spec_ TaskSpec *spec = task_spec_new();
        _cleanup_diagnostics_ Diagnostics d = {};
        Value *list = value_new_list(), *block = value_new_map();

        cr_assert_eq(value_set(block, "policy", value_new_string("on-failure")), 0);
        cr_assert_eq(value_set(block, "delay", value_new_string("500ms")), 0);
        cr_assert_eq(value_set(block, "max_attempts", value_new_string("3")), 0);
        cr_assert_eq(value_set(block, "interval", value_new_integer(90)), 0);
        value_append(list, block);
        cr_assert_eq(value_set(config, "image", value_new_string("/i")), 0);
        cr_assert_eq(value_set(config, "restart", list), 0);
        cr_assert_eq(option_decode(&task_options, spec, config, OPTION_IN_JOB, &d), 0);
        expect_restart(spec);
}
