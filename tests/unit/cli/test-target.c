/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "cli/target.h"
#include "engine/ledger.h"
#include "own-name.h"

TestSuite(target, .timeout = 30);

Test(target, a_unit_is_meant_by_the_tasks_its_machines_or_its_own_name) {
        static const struct {
                const char *name, *unit;
        } rows[] = {
                { "web", "nspawn-web.service" },
                { "nspawn-web.service", "nspawn-web.service" },
                { "nspawn-web", "nspawn-nspawn-web.service" },
                { "web-8eeb9876-1234", "nspawn-web-8eeb9876-1234.service" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *unit = target_unit(rows[i].name);

                cr_expect_str_eq(unit, rows[i].unit);
        }

        /* A name that no host can have. */
        _cleanup_free_ char *unit = target_unit("web.v2"), *again = target_unit(unit);
        cr_expect_not_null(string_after_prefix(unit, "nspawn-web-v2-"), "%s", unit);
        cr_expect_str_eq(again, unit);
}

/* Ledgers of a test, which others do not have. */
typedef struct Ledgers {
        char *allocation;
        char *machines[4];
        size_t n;
} Ledgers;

static void ledgers_open(Ledgers *ledgers) {
        if (geteuid() != 0)
                cr_skip_test("writes below /run: needs root");
        *ledgers = (Ledgers){ .allocation = xasprintf("%08x-1111-2222-3333-444444444444", own_number()) };
}

static void ledgers_close(Ledgers *ledgers) {
        for (size_t i = 0; i < ledgers->n; i++) {
                ledger_remove(ledgers->machines[i]);
                free(ledgers->machines[i]);
        }
        free(ledgers->allocation);
}

static void add(Ledgers *ledgers, const char *machine, const char *id) {
        TaskRecord record = {
                .id = (char *) (uintptr_t) id,
                .machine = (char *) (uintptr_t) machine,
                .unit = xasprintf("nspawn-%s.service", machine),
                .launch = TASK_LAUNCH_BOOT,
        };
        _cleanup_fd_ int fd = ledger_create(&record);

        cr_assert_geq(fd, 0);
        ledgers->machines[ledgers->n++] = xstrdup(machine);
        free(record.unit);
}

/* The task TASK of the allocation, as the plugin calls it. */
static void add_nomad(Ledgers *ledgers, const char *task) {
        _cleanup_free_ char *machine = xasprintf("%s-%s", task, ledgers->allocation);
        _cleanup_free_ char *id = xasprintf("%s/%s/0a1b2c3d", ledgers->allocation, task);

        add(ledgers, machine, id);
}

static void expect_found(const char *name, const char *machine, bool known) {
        _cleanup_task_record_ TaskRecord record = {};
        _cleanup_error_ Error *error = NULL;
        _cleanup_free_ char *unit = xasprintf("nspawn-%s.service", machine);
        bool was_known = !known;

        cr_assert_eq(
                target_find(name, &record, &was_known, &error), 0, "%s: %s", name, error_message(error));
        cr_expect_str_eq(record.machine, machine);
        cr_expect_str_eq(record.unit, unit);
        cr_expect_eq(was_known, known, "%s", name);
        cr_expect_eq(record.launch, known ? TASK_LAUNCH_BOOT : TASK_LAUNCH_SUPERVISE);
        cr_expect_not_null(record.id);
}

Test(target, what_has_no_ledger_is_still_told_by_its_name) {
        _cleanup_own_name_ char *name = own_name_new();
        _cleanup_free_ char *unit = xasprintf("nspawn-%s.service", name);

        expect_found(name, name, false);
        expect_found(unit, name, false);
        expect_found("nspawn-../../etc/passwd.service", "../../etc/passwd", false);
}

Test(target, a_ledger_says_whose_the_unit_is) {
        _cleanup_(ledgers_close) Ledgers ledgers;
        _cleanup_task_record_ TaskRecord record = {};
        bool known;

        ledgers_open(&ledgers);
        add_nomad(&ledgers, "web");
        _cleanup_free_ char *unit = xasprintf("nspawn-%s.service", ledgers.machines[0]);
        expect_found(ledgers.machines[0], ledgers.machines[0], true);
        expect_found(unit, ledgers.machines[0], true);
        cr_assert_eq(target_find(unit, &record, &known, NULL), 0);
        cr_expect_not_null(strstr(record.id, "/web/"), "%s", record.id);
}

Test(target, nomads_tasks_are_found_by_id_and_by_allocation_long_and_short) {
        _cleanup_(ledgers_close) Ledgers ledgers;

        ledgers_open(&ledgers);
        add_nomad(&ledgers, "web");
        const char *machine = ledgers.machines[0];
        _cleanup_free_ char *id = xasprintf("%s/web/0a1b2c3d", ledgers.allocation);
        _cleanup_free_ char *task = xasprintf("%s/web", ledgers.allocation);
        _cleanup_free_ char *shortened = xstrndup(ledgers.allocation, 8);
        expect_found(id, machine, true);
        expect_found(task, machine, true);
        expect_found(ledgers.allocation, machine, true);
        expect_found(shortened, machine, true);

        /* Less is too little. */
        shortened[7] = 0;
        expect_found(shortened, shortened, false);
}

Test(target, an_allocation_of_several_tasks_is_not_enough) {
        _cleanup_(ledgers_close) Ledgers ledgers;
        _cleanup_error_ Error *error = NULL;
        TaskRecord record = {};
        bool known;

        ledgers_open(&ledgers);
        add_nomad(&ledgers, "web");
        add_nomad(&ledgers, "log");
        add_nomad(&ledgers, "log2");
        cr_assert_eq(target_find(ledgers.allocation, &record, &known, &error), -ENOTUNIQ);
        cr_expect_null(record.id);
        for (size_t i = 0; i < ledgers.n; i++)
                cr_expect_not_null(strstr(error->message, ledgers.machines[i]), "%s", error->message);

        /* One task's whole name may be the beginning of another's. */
        _cleanup_free_ char *task = xasprintf("%s/log", ledgers.allocation);
        _cleanup_free_ char *shortened = xasprintf("%.8s/log", ledgers.allocation);
        _cleanup_free_ char *beginning = xasprintf("%s/lo", ledgers.allocation);
        _cleanup_task_record_ TaskRecord none = {};
        expect_found(task, ledgers.machines[1], true);
        expect_found(shortened, ledgers.machines[1], true);
        cr_assert_eq(target_find(beginning, &none, &known, NULL), 0);
        cr_expect_not(known);
}

Test(target, the_beginning_of_a_local_tasks_name_is_not_enough) {
        _cleanup_(ledgers_close) Ledgers ledgers;

        ledgers_open(&ledgers);
        _cleanup_free_ char *name = xasprintf("local-task-%d", getpid());
        add(&ledgers, name, name);
        expect_found(name, name, true);
        expect_found("local-task", "local-task", false);
}
