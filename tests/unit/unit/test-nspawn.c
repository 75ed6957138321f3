/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>

#include "base/string.h"
#include "base/strv.h"
#include "box/golden.h"
#include "unit/nspawn.h"

TestSuite(nspawn, .timeout = 30);

static const UnitHost host = {
        .directory = "/run/nspawn-units/tasks/web-1",
        .program = "/usr/bin/systemd-nspawn",
        .init = "/usr/lib/nspawn-units/nspawn-units-init",
        .register_machine = true,
};

static void expect_golden_on(const char *name, TaskRequest *request, const Root *root, const UnitHost *on) {
        _cleanup_strv_ char **args = nspawn_arguments(request, root, on);
        _cleanup_string_buffer_ StringBuffer text = {};

        STRV_FOREACH (arg, args) {
                cr_assert_null(strchr(*arg, '\n'));
                cr_assert_null(strstr(*arg, GOLDEN_SECRET), "%s", *arg);
                cr_assert_null(strstr(*arg, "TOKEN"), "%s", *arg);
                cr_assert_null(string_after_prefix(*arg, "--setenv"), "%s", *arg);
                string_buffer_append(&text, "%s\n", *arg);
        }
        cr_assert_str_eq(args[0], on->program);
        golden_compare(name, text.text);
        task_request_free(request);
}

static void expect_golden(const char *name, TaskRequest *request) {
        expect_golden_on(name, request, &golden_root, &host);
}

Test(nspawn, boot_by_default) {
        expect_golden("boot.args", golden_request());
}

Test(nspawn, boot_with_arguments_for_the_init) {
        TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;

        strv_append(&spec->command, "--unit=rescue.target");
        expect_golden("boot-arguments.args", request);
}

Test(nspawn, everything_off) {
        expect_golden("off.args", golden_request_off());
}

Test(nspawn, everything_set) {
        UnitHost other = host;

        other.register_machine = false;
        other.descriptors.init_reads_message = true;
        expect_golden_on("everything.args", golden_request_everything(), &golden_root, &other);
}

Test(nspawn, command_below_the_stub) {
        TaskRequest *request = golden_request();

        golden_command(request);
        request->launch = TASK_LAUNCH_STUB;
        expect_golden("stub.args", request);
}

Test(nspawn, command_as_the_first_process) {
        TaskRequest *request = golden_request();

        golden_command(request);
        request->launch = TASK_LAUNCH_DIRECT;
        expect_golden("direct.args", request);
}

Test(nspawn, network_namespace_with_a_directory_is_the_units_matter) {
        TaskRequest *request = golden_request_namespace();

        cr_assert_not(nspawn_joins_network_itself(request, &golden_root));
        expect_golden("namespace-directory.args", request);
}

Test(nspawn, network_namespace_with_a_file_system_image_is_nspawns_matter) {
        TaskRequest *request = golden_request_namespace();

        cr_assert(nspawn_joins_network_itself(request, &golden_root_raw));
        expect_golden_on("namespace-raw.args", request, &golden_root_raw, &host);
}

Test(nspawn, a_file_system_image_alone_keeps_its_user_namespace) {
        TaskRequest *request = golden_request();
        char path[] = "/dev/vg/root";
        const Root root = { .path = path, .kind = ROOT_RAW };

        cr_assert_not(nspawn_joins_network_itself(request, &root));
        expect_golden_on("raw.args", request, &root, &host);
}

Test(nspawn, paths_with_colons_and_backslashes_stay_whole) {
        TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;

        task_spec_add_bind(spec, "/a:b", "/c\\d", false);
        task_spec_add_bind(spec, "/:\\:", "/x y,z", true);
        expect_golden("bind-escapes.args", request);
}

Test(nspawn, private_users_no_is_no_user_namespace) {
        TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;

        string_replace(&spec->private_users, "no");
        spec->private_users_ownership = OWNERSHIP_CHOWN;
        expect_golden("private-users-no.args", request);
}

Test(nspawn, words_of_the_command_come_last_and_unchanged) {
        TaskRequest *request = golden_request_off();
        TaskSpec *spec = &request->spec;

        strv_append(&spec->command, "--directory=/");
        strv_append(&spec->command, "");
        strv_append(&spec->command, "--");
        _cleanup_strv_ char **args = nspawn_arguments(request, &golden_root, &host);
        size_t n = strv_length(args), m = strv_length(spec->command);

        cr_assert(strv_equal(args + n - m, spec->command));
        cr_assert_str_eq(args[n - m - 1], "--");
        task_request_free(request);
}

Test(nspawn, streams_are_apart_unless_nspawn_makes_a_terminal) {
        for (Console console = CONSOLE_PIPE; console <= CONSOLE_PASSIVE; console++) {
                const TaskRequest request = { .spec.console = console };

                cr_assert_eq(nspawn_keeps_streams_apart(&request), console == CONSOLE_PIPE, "%d", console);
        }
}

Test(nspawn, the_task_file_holds_environment_and_user) {
        _cleanup_task_request_ TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;
        static const char wanted[] = "ETOKEN=" GOLDEN_SECRET "\0EEMPTY=\0Unobody";
        size_t n = 0;

        spec->user = xstrdup("nobody");
        _cleanup_free_ char *text = nspawn_secrets(spec, &n);
        cr_assert_eq(n, sizeof(wanted));
        cr_assert_eq(memcmp(text, wanted, n), 0);
}

Test(nspawn, the_task_file_grants_capabilities_to_a_user) {
        static const struct {
                const char *user, *capabilities[2], *wanted;
        } rows[] = {
                { "app", { "CAP_NET_ADMIN", "CAP_CHECKPOINT_RESTORE" }, "Uapp|C10000001000|" },
                { "app", { "all", "CAP_CHOWN" }, "Uapp|Cffffffffffffffff|" },
                { "app", {}, "Uapp|" },
                { NULL, { "CAP_NET_ADMIN" }, "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_task_spec_ TaskSpec *spec = task_spec_new();
                size_t n = 0;

                spec->user = rows[i].user ? xstrdup(rows[i].user) : NULL;
                for (size_t j = 0; j < 2 && rows[i].capabilities[j]; j++)
                        strv_append(&spec->capability, rows[i].capabilities[j]);
                _cleanup_free_ char *text = nspawn_secrets(spec, &n);
                for (size_t j = 0; j < n; j++)
                        text[j] = text[j] ? text[j] : '|';
                _cleanup_free_ char *got = n > 0 ? xstrndup(text, n) : xstrdup("");
                cr_expect_str_eq(got, rows[i].wanted, "row %zu: %s", i, got);
        }
}

Test(nspawn, the_secrets_of_a_task_without_either_are_empty) {
        TaskSpec spec = {};
        size_t n = 1;
        _cleanup_free_ char *text = nspawn_secrets(&spec, &n);

        cr_assert_eq(n, 0);
}
