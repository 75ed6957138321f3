/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

#include "base/string.h"
#include "task/name.h"

#define ALLOC "5f0c1a3e-9d0b-7a52-6f1c-0e4f6c1f9a77"

/* systemd accepts host names of 1 to 64 letters, digits and dashes, with no dash at the ends. */
static void expect_host_name(const char *name, const char *task) {
        size_t n = strlen(name);

        cr_assert(n >= 1 && n <= MACHINE_NAME_MAX, "%s: %s", task, name);
        cr_assert(name[0] != '-' && name[n - 1] != '-', "%s: %s", task, name);
        for (size_t i = 0; i < n; i++)
                cr_assert(isalnum((unsigned char) name[i]) || name[i] == '-', "%s: %s", task, name);
}

Test(name, a_good_name_is_kept) {
        _cleanup_free_ char *plain = machine_name_make("web", ALLOC),
                            *alone = machine_name_make("My-Task1", NULL);

        cr_assert_str_eq(plain, "web-" ALLOC);
        cr_assert_str_eq(alone, "My-Task1");
}

Test(name, a_name_of_64_bytes_is_kept_and_a_longer_one_is_cut) {
        char task[80] = {};

        for (size_t n = 20; n < sizeof(task) - 1; n++) {
                memset(task, 'a', n);
                _cleanup_free_ char *name = machine_name_make(task, ALLOC),
                                    *alone = machine_name_make(task, NULL);
                _cleanup_free_ char *whole = xasprintf("%s-" ALLOC, task);

                expect_host_name(name, task);
                expect_host_name(alone, task);
                cr_assert_eq(streq(name, whole), strlen(whole) <= 64, "%zu", n);
                cr_assert_eq(streq(alone, task), n <= 64, "%zu", n);
                cr_assert(string_has_suffix(name, "-" ALLOC), "%s", name);
        }
}

static const char *const odd[] = {
        "my_task",
        "my-task",
        "my.task",
        "my task",
        "-my-task",
        "my-task-",
        "--my-task",
        "my/task",
        "MY_TASK",
        "aufgäbe",
        "aufgabe",
        "aufgÄbe",
        "日本語",
        "日本",
        "_",
        "-",
        "__",
        ".",
        "",
        "a\nb",
        "a%b",
        "a:b",
        "a@b.service",
};

Test(name, odd_names_become_host_names_that_differ) {
        char *names[ELEMENTSOF(odd)];

        for (size_t i = 0; i < ELEMENTSOF(odd); i++) {
                names[i] = machine_name_make(odd[i], ALLOC);
                expect_host_name(names[i], odd[i]);
                for (size_t j = 0; j < i; j++)
                        cr_assert_str_neq(names[i], names[j], "\"%s\" and \"%s\"", odd[i], odd[j]);
        }
        for (size_t i = 0; i < ELEMENTSOF(odd); i++)
                free(names[i]);
}

Test(name, odd_names_alone_become_host_names_too) {
        for (size_t i = 0; i < ELEMENTSOF(odd); i++) {
                _cleanup_free_ char *name = machine_name_make(odd[i], NULL);

                expect_host_name(name, odd[i]);
        }
}

Test(name, long_names_that_differ_at_their_end_differ) {
        _cleanup_free_ char *one = machine_name_make(
                "a-very-long-task-name-indeed-that-does-not-fit-1", ALLOC);
        _cleanup_free_ char *two = machine_name_make(
                "a-very-long-task-name-indeed-that-does-not-fit-2", ALLOC);

        cr_assert_str_neq(one, two);
        expect_host_name(one, "one");
}

/* The names must never change: after a restart the driver finds its tasks by them. */
Test(name, the_same_input_makes_the_same_name) {
        _cleanup_free_ char *first = machine_name_make("my_task", ALLOC),
                            *again = machine_name_make("my_task", ALLOC);

        cr_assert_str_eq(first, again);
        cr_assert_str_eq(first, "my-task-8befedf3-" ALLOC);
}

Test(name, namesakes_differ_by_their_instance) {
        _cleanup_free_ char *one = machine_name_make("my_task", "1"),
                            *two = machine_name_make("my_task", "2");

        cr_assert_str_neq(one, two);
}

Test(name, an_instance_too_long_for_a_name_is_in_the_hash) {
        char instance[90] = {};

        memset(instance, 'b', sizeof(instance) - 1);
        _cleanup_free_ char *one = machine_name_make("web", instance);
        instance[80] = 'c';
        _cleanup_free_ char *two = machine_name_make("web", instance);

        expect_host_name(one, "web");
        cr_assert_str_neq(one, two);
        cr_assert_not_null(string_after_prefix(one, "web-"));
}

Test(name, units_and_machines_go_both_ways) {
        _cleanup_free_ char *unit = unit_name_make("web-1"), *machine = unit_name_to_machine(unit);
        _cleanup_free_ char *twice = unit_name_to_machine("nspawn-a.service.service");

        cr_assert_str_eq(unit, "nspawn-web-1.service");
        cr_assert_str_eq(machine, "web-1");
        cr_assert_str_eq(twice, "a.service");
        cr_assert_null(unit_name_to_machine("web.service"));
        cr_assert_null(unit_name_to_machine("nspawn-web.slice"));
        cr_assert_null(unit_name_to_machine("xnspawn-web.service"));
        cr_assert_null(unit_name_to_machine(""));
        cr_assert(string_after_prefix(unit, "nspawn-") && string_has_suffix(UNIT_NAME_PATTERN, ".service"));
}

Test(name, each_task_of_an_allocation_is_another_machine) {
        _cleanup_free_ char *web = machine_id_make(ALLOC, "web"), *again = machine_id_make(ALLOC, "web"),
                            *db = machine_id_make(ALLOC, "db"), *empty = machine_id_make(ALLOC, ""),
                            *other = machine_id_make("5f0c1a3e-9d0b-7a52-6f1c-0e4f6c1f9a78", "web");

        cr_assert_eq(strlen(web), 32);
        cr_assert_eq(strspn(web, "0123456789abcdef"), 32, "%s", web);
        cr_assert(web[12] == '4' && strchr("89ab", web[16]), "a UUID of version 4: %s", web);
        cr_assert_str_eq(web, again);
        cr_assert_str_neq(web, db);
        cr_assert_str_neq(web, empty);
        cr_assert_str_neq(web, other);
}

Test(name, without_a_uuid_there_is_no_machine_id) {
        static const char *const bad[] = { "", "-", "5f0c1a3e", ALLOC "0",
                "5f0c1a3e-9d0b-7a52-6f1c-0e4f6c1f9a7g" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                cr_assert_null(machine_id_make(bad[i], "web"), "%s", bad[i]);
}
