/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "base/string.h"
#include "cli/yaml.h"
#include "task/request.h"

TestSuite(validate, .timeout = 30);

static int validate(const char *text, Diagnostics *d) {
        _cleanup_task_request_ TaskRequest *request = task_request_new();
        const Policy policy = policy_of_root();
        _cleanup_value_ Value *config = NULL;

        cr_assert_eq(yaml_read(text, strlen(text), "t.yaml", &config, NULL), 0, "%s", text);
        cr_assert_eq(option_decode(&task_options, &request->spec, config, OPTION_IN_YAML, d), 0, "%s", text);
        return task_request_check(request, &policy, OPTION_IN_YAML, d);
}

static void expect_good(const char *text) {
        _cleanup_diagnostics_ Diagnostics d = {};
        int r = validate(text, &d);
        _cleanup_free_ char *messages = diagnostics_to_string(&d);

        cr_assert_eq(r, 0, "%s: %s", text, messages);
        cr_assert_null(messages);
}

/* Expects a message that begins with @option and names @other. */
static void expect_bad(const char *text, const char *option, const char *other) {
        _cleanup_diagnostics_ Diagnostics d = {};
        _cleanup_free_ char *prefix = xasprintf("%s: ", option), *messages = NULL;

        cr_assert_eq(validate(text, &d), -EINVAL, "%s", text);
        messages = diagnostics_to_string(&d);
        cr_assert_not_null(string_after_prefix(messages, prefix), "%s: %s", text, messages);
        cr_assert_not_null(strstr(messages, other), "%s: %s", text, messages);
        cr_assert_str_eq(d.items[0].option, option);
}

Test(validate, an_image_alone_boots) {
        expect_good("image: debian\n");
}

Test(validate, boot_and_process_two) {
        expect_bad("{ image: /i, process_two: true, command: [ a ] }", "process_two", "boot = false");
        expect_bad("{ image: /i, boot: true, process_two: true }", "process_two", "boot");
        expect_good("{ image: /i, boot: false, process_two: true, command: [ a ] }");
}

Test(validate, boot_and_no_init) {
        expect_bad("{ image: /i, init: false }", "init", "boot = true");
        expect_bad("{ image: /i, boot: true, init: false }", "init", "boot = false");
        expect_good("{ image: /i, boot: true, init: true }");
        expect_good("{ image: /i, boot: false, init: false, command: [ a ] }");
        expect_good("{ image: /i, boot: false, init: false, process_two: true, command: [ a ] }");
        expect_bad("{ image: /i, boot: false, init: false }", "command", "boot = false");
}

Test(validate, boot_and_user) {
        expect_bad("{ image: /i, user: nobody }", "user", "boot");
        expect_good("{ image: /i, boot: false, user: nobody, command: [ a ] }");
}

Test(validate, a_terminal_needs_our_init_and_its_own_console) {
        expect_bad("{ image: /i, tty: true }", "tty", "boot = false");
        expect_bad("{ image: /i, boot: true, tty: true }", "tty", "nspawnctl shell");
        expect_bad("{ image: /i, boot: false, command: [ a ], tty: true, process_two: true }", "tty",
                "process_two = true");
        expect_bad(
                "{ image: /i, boot: false, command: [ a ], tty: true, init: false }", "tty", "init = false");
        expect_bad("{ image: /i, boot: false, command: [ a ], tty: true, console: read-only }", "tty",
                "console = ");
        expect_bad("{ image: /i, boot: false, command: [ a ], tty: true, console: interactive }", "tty",
                "\"pipe\"");
        expect_good("{ image: /i, boot: false, command: [ a ], tty: true }");
        expect_good("{ image: /i, boot: false, command: [ a ], tty: true, console: pipe, user: nobody }");
        expect_good("{ image: /i, tty: false }");
}

Test(validate, something_must_run) {
        expect_bad("{ image: /i, boot: false }", "command", "boot = false");
        expect_bad("{ image: /i, boot: false, command: [] }", "command", "boot = false");
        expect_bad("{ image: /i, boot: false, process_two: true }", "command", "boot = false");
        expect_good("{ image: /i, boot: false, command: [ /bin/true ] }");
        expect_good("{ image: /i, boot: true, command: [ --log-level=debug ] }");
}

Test(validate, chown_and_volatile) {
        expect_bad("{ image: /i, private_users_ownership: chown, volatile: 'yes' }",
                "private_users_ownership", "volatile");
        expect_bad("{ image: /i, private_users_ownership: chown, volatile: state }",
                "private_users_ownership", "volatile");
        expect_bad("{ image: /i, private_users_ownership: chown, volatile: overlay }",
                "private_users_ownership", "volatile");
        expect_good("{ image: /i, private_users_ownership: chown, volatile: 'no' }");
        expect_good("{ image: /i, private_users_ownership: map, volatile: overlay }");
        expect_good("{ image: /i, private_users_ownership: auto, volatile: state }");
}

Test(validate, chown_and_read_only) {
        expect_bad("{ image: /i, private_users_ownership: chown, read_only: true }",
                "private_users_ownership", "read_only");
        expect_good("{ image: /i, private_users_ownership: chown, read_only: false }");
        expect_good("{ image: /i, private_users_ownership: map, read_only: true }");
}

Test(validate, chown_means_nothing_without_a_user_namespace) {
        expect_good(
                "{ image: /i, user_namespacing: false, private_users_ownership: chown, read_only: true }");
        expect_good("{ image: /i, private_users: 'no', private_users_ownership: chown, volatile: state }");
}

Test(validate, the_hosts_root_is_spared) {
        expect_bad("image: /\n", "image", "ephemeral");
        expect_bad("{ image: /, volatile: 'no' }", "image", "ephemeral");
        expect_bad("{ image: /, volatile: overlay }", "image", "ephemeral");
        expect_bad("{ image: /, read_only: true }", "image", "ephemeral");
        expect_good("{ image: /, ephemeral: true }");
        expect_good("{ image: /, volatile: 'yes' }");
        expect_good("{ image: /, volatile: state }");
        expect_good("image: /srv\n");
}

Test(validate, a_limit_is_enough_to_start) {
        TaskSpec spec = { .boot = true, .init = true, .memory_max = TASK_MEMORY_MIN };
        _cleanup_diagnostics_ Diagnostics d = {};

        cr_assert_eq(task_spec_validate(&spec, &d), 0);
        spec.memory_max--;
        cr_assert_eq(task_spec_validate(&spec, &d), -EINVAL);
        _cleanup_free_ char *messages = diagnostics_to_string(&d);
        cr_assert_not_null(string_after_prefix(messages, "memory: must be at least 4M"), "%s", messages);
        expect_bad("{ image: /i, memory: 1M, memory_max: 3M }", "memory_max", "at least 4M");
        expect_good("{ image: /i, memory: 1M, memory_max: 4M }");
}

Test(validate, the_reserve_is_within_the_limit) {
        expect_bad("{ image: /i, memory: 20M, memory_max: 10M }", "memory_max", "memory");
        expect_good("{ image: /i, memory: 10M, memory_max: 10M }");
        expect_good("{ image: /i, memory: 10M, memory_max: 20M }");
        expect_good("{ image: /i, memory: 20M }");
        expect_good("{ image: /i, memory_max: 20M }");
}

Test(validate, a_limit_of_the_log_has_a_number_of_lines) {
        expect_bad("{ image: /i, log_rate_limit: { interval: 5s } }", "log_rate_limit.burst", "lines");
        expect_bad("{ image: /i, log_rate_limit: { burst: 90000001 } }", "log_rate_limit.burst", "90000000");
        expect_good("{ image: /i, log_rate_limit: { burst: 90000000 } }");
        expect_good("{ image: /i, log_rate_limit: { burst: 1, interval: 5s } }");
        expect_good("{ image: /i, log_rate_limit: { burst: 0 } }");
}

Test(validate, restarts_need_a_policy) {
        expect_bad("{ image: /i, restart: { delay: 5s } }", "restart.policy", "on-failure");
        expect_bad("{ image: /i, restart: { max_attempts: 1 } }", "restart.policy", "always");
        expect_bad("{ image: /i, restart: { interval: 5s } }", "restart.policy", "on-success");
        expect_good("{ image: /i, restart: {} }");
        expect_good("{ image: /i, restart: { max_attempts: 0 } }");
        expect_good("{ image: /i, restart: { policy: 'no' } }");
        /* The policy "no" switches restarts off, and the other settings may stay. */
        expect_good("{ image: /i, restart: { policy: 'no', delay: 5s, interval: 1s, max_attempts: 9 } }");
        expect_good("{ image: /i, restart: { policy: always } }");
}

Test(validate, restarts_are_counted_in_an_interval_that_can_hold_them) {
        expect_bad("{ image: /i, restart: { policy: always, interval: 5s } }", "restart.interval",
                "restart.max_attempts");
        expect_bad("{ image: /i, restart: { policy: always, interval: 15s, max_attempts: 3, delay: 5s } }",
                "restart.interval", "restart.delay");
        expect_bad("{ image: /i, restart: { policy: always, interval: 1s, max_attempts: 10 } }",
                "restart.interval", "restart.max_attempts");
        expect_bad("{ image: /i, restart: { policy: always, interval: 1s, max_attempts: 4000000000, "
                   "delay: 200000000d } }",
                "restart.interval", "restart.max_attempts");
        expect_bad("{ image: /i, restart: { policy: always, max_attempts: 4294967295 } }",
                "restart.max_attempts", "0 is no limit");
        expect_good("{ image: /i, restart: { policy: always, max_attempts: 4294967294 } }");
        expect_good("{ image: /i, restart: { policy: always, interval: 16s, max_attempts: 3, delay: 5s } }");
        expect_good("{ image: /i, restart: { policy: always, interval: 1001ms, max_attempts: 10 } }");
        expect_good("{ image: /i, restart: { policy: on-failure, max_attempts: 3, delay: 1h } }");
}

/* Combinations that jobs written for the Go driver use. */
Test(validate, jobs_of_the_go_driver_are_good) {
        static const char *const good[] = {
                "{ image: /i, boot: true, ephemeral: true }",
                "{ image: /i, boot: false, process_two: true, command: [ /bin/sh, -c, 'sleep 1' ] }",
                "{ image: /i, boot: false, command: [ env ], read_only: true, volatile: state }",
                "{ image: /i, user_namespacing: false, network_veth: false }",
                "{ image: /i, private_users: pick, private_users_ownership: auto }",
                "{ image: /i, private_users: 'yes', ephemeral: true, resolv_conf: copy-host }",
                "{ image: /i, capability: [ CAP_NET_ADMIN ], bind: { /a: /b }, environment: { A: b } }",
                "{ image: /i, boot: false, command: [ a ], working_directory: /srv, pivot_root: '/new:/old' }",
                "{ image: /, volatile: 'yes', boot: false, command: [ /usr/bin/env ] }",
                "{ image: /i, boot: false, process_two: true, command: [ a ], user: nobody, console: read-only }",
        };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                expect_good(good[i]);
}

Test(validate, all_rules_that_apply_are_told) {
        _cleanup_diagnostics_ Diagnostics d = {};

        cr_assert_eq(
                validate("{ image: /, tty: true, process_two: true, user: app, init: false }", &d), -EINVAL);
        _cleanup_free_ char *messages = diagnostics_to_string(&d);
        static const char *const options[] = { "process_two", "init", "user", "tty", "tty", "tty", "image" };
        cr_assert_eq(d.n_items, ELEMENTSOF(options), "%s", messages);
        for (size_t i = 0; i < d.n_items; i++)
                cr_assert_str_eq(d.items[i].option, options[i], "%s", messages);
}
