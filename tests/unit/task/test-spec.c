/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>

#include "base/string.h"
#include "base/strv.h"
#include "task/cpus.h"
#include "task/spec.h"

Test(spec, setting_a_variable_again_replaces_it_in_place) {
        _cleanup_strv_ char **environment = NULL;

        environment_set(&environment, "A", "1");
        environment_set(&environment, "B", "2");
        environment_set(&environment, "A", "3=4");
        cr_assert_eq(strv_length(environment), 2);
        cr_assert_str_eq(environment[0], "A=3=4");
        cr_assert_str_eq(environment[1], "B=2");
        cr_assert_str_eq(environment_get(environment, "A"), "3=4");
}

Test(spec, names_of_variables_are_compared_whole) {
        _cleanup_strv_ char **environment = NULL;

        environment_set(&environment, "PATH", "x");
        environment_set(&environment, "PATH_2", "y");
        environment_set(&environment, "PAT", "");
        cr_assert_eq(strv_length(environment), 3);
        cr_assert_str_eq(environment_get(environment, "PATH"), "x");
        cr_assert_str_eq(environment_get(environment, "PAT"), "");
        cr_assert_null(environment_get(environment, "PA"));
        cr_assert_null(environment_get(environment, "path"));
        cr_assert_null(environment_get(NULL, "PATH"));
}

Test(spec, a_variable_may_have_any_name_without_an_equals_sign) {
        static const char *const good[] = { "A", "_", "1A", "NOMAD_META_team.name", "discovery.type",
                "my-var", "A B", "Ä", "A\n" };
        static const char *const bad[] = { "", "=", "A=B", "=A", "A=" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                cr_assert(environment_name_is_valid(good[i]), "%s", good[i]);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                cr_assert_not(environment_name_is_valid(bad[i]), "%s", bad[i]);
}

Test(spec, binds_are_copied_in_order) {
        _cleanup_task_spec_ TaskSpec *spec = task_spec_new();
        char source[] = "/a";

        task_spec_add_bind(spec, source, "/b", false);
        source[1] = 'x';
        task_spec_add_bind(spec, source, "/c", true);
        cr_assert_eq(spec->n_binds, 2);
        cr_assert_str_eq(spec->binds[0].source, "/a");
        cr_assert_str_eq(spec->binds[0].target, "/b");
        cr_assert_not(spec->binds[0].read_only);
        cr_assert_str_eq(spec->binds[1].source, "/x");
        cr_assert(spec->binds[1].read_only);
        cr_assert_null(task_spec_free(NULL));
}

Test(spec, who_is_process_1) {
        TaskSpec spec = {};

        cr_assert_eq(task_spec_launch(&spec), TASK_LAUNCH_DIRECT);
        spec.process_two = true;
        cr_assert_eq(task_spec_launch(&spec), TASK_LAUNCH_STUB);
        spec.init = true;
        cr_assert_eq(task_spec_launch(&spec), TASK_LAUNCH_STUB);
        spec.process_two = false;
        cr_assert_eq(task_spec_launch(&spec), TASK_LAUNCH_SUPERVISE);
        spec.boot = true;
        cr_assert_eq(task_spec_launch(&spec), TASK_LAUNCH_BOOT);
}

Test(spec, restarts_need_a_policy_that_is_not_no) {
        _cleanup_task_spec_ TaskSpec *spec = task_spec_new();

        cr_assert_not(task_spec_restarts(spec));
        spec->restart.policy = RESTART_NO;
        cr_assert_not(task_spec_restarts(spec));
        spec->restart.policy = RESTART_ON_SUCCESS;
        cr_assert(task_spec_restarts(spec));
}

Test(spec, a_user_namespace_needs_both_options) {
        TaskSpec spec = {};
        char no[] = "no", pick[] = "pick";

        cr_assert_not(task_spec_has_user_namespace(&spec));
        spec.user_namespacing = true;
        cr_assert(task_spec_has_user_namespace(&spec));
        spec.private_users = pick;
        cr_assert(task_spec_has_user_namespace(&spec));
        spec.private_users = no;
        cr_assert_not(task_spec_has_user_namespace(&spec));
        spec.user_namespacing = false;
        spec.private_users = pick;
        cr_assert_not(task_spec_has_user_namespace(&spec));
}

Test(spec, lists_of_processors_become_masks) {
        CpuList list;

        cr_assert(cpu_list_parse("0-3,5", &list));
        cr_assert_eq(list.n_bytes, 1);
        cr_assert_eq(list.mask[0], 0x2f);
        cr_assert(cpu_list_parse("7,8,15", &list));
        cr_assert_eq(list.n_bytes, 2);
        cr_assert_eq(list.mask[0], 0x80);
        cr_assert_eq(list.mask[1], 0x81);
        cr_assert(cpu_list_parse("64,0", &list), "in any order");
        cr_assert_eq(list.n_bytes, 9);
        cr_assert_eq(list.mask[8], 1);
        cr_assert(cpu_list_parse("8191", &list));
        cr_assert_eq(list.n_bytes, CPU_LIST_MAX / 8);
        cr_assert_eq(list.mask[1023], 0x80);
}

Test(spec, what_is_no_list_of_processors_is_refused) {
        static const char *const bad[] = { "", ",", "0,", ",0", "0-", "-1", "1-0", "0--1", "a", "0 1",
                "0, 1", "8192", "0-8192", "99999999999999999999", "1-2-3", "0;1" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                CpuList list = { .n_bytes = 77 };

                cr_assert_not(cpu_list_parse(bad[i], &list), "\"%s\"", bad[i]);
                cr_assert_eq(list.n_bytes, 77);
        }
}
