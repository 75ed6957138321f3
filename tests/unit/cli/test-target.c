/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/string.h"
#include "box/own-name.h"
#include "cli/target.h"
#include "engine/record-file.h"
#include "unit/task-dir.h"

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

        /* A name that is no valid host name gets a hash. */
        _cleanup_free_ char *unit = target_unit("web.v2"), *again = target_unit(unit);
        cr_expect_not_null(string_after_prefix(unit, "nspawn-web-v2-"), "%s", unit);
        cr_expect_str_eq(again, unit);
}

/* Records that belong to one test. */
typedef struct Records {
        char *allocation;
        char *machines[4];
        size_t n;
} Records;

static void records_open(Records *records) {
        if (geteuid() != 0)
                cr_skip_test("writes below /run: needs root");
        *records = (Records){ .allocation = xasprintf("%08x-1111-2222-3333-444444444444", own_number()) };
}

static void records_close(Records *records) {
        for (size_t i = 0; i < records->n; i++) {
                task_dir_remove_record(NULL, records->machines[i]);
                free(records->machines[i]);
        }
        free(records->allocation);
}

static void add(Records *records, const char *machine, const char *id) {
        const TaskRecord record = {
                .id = (char *) (uintptr_t) id,
                .machine = (char *) (uintptr_t) machine,
                .launch = TASK_LAUNCH_BOOT,
        };

        own_record_leave(NULL, &record);
        records->machines[records->n++] = xstrdup(machine);
}

/* Adds a record of the task @task of the allocation, with the names that the plugin gives. */
static void add_nomad(Records *records, const char *task) {
        _cleanup_free_ char *machine = xasprintf("%s-%s", task, records->allocation);
        _cleanup_free_ char *id = xasprintf("%s/%s/0a1b2c3d", records->allocation, task);

        add(records, machine, id);
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

Test(target, what_has_no_record_is_still_told_by_its_name) {
        _cleanup_own_name_ char *name = own_name_new();
        _cleanup_free_ char *unit = xasprintf("nspawn-%s.service", name);

        expect_found(name, name, false);
        expect_found(unit, name, false);
        expect_found("nspawn-../../etc/passwd.service", "../../etc/passwd", false);
}

Test(target, a_record_says_whose_the_unit_is) {
        _cleanup_(records_close) Records records;
        _cleanup_task_record_ TaskRecord record = {};
        bool known;

        records_open(&records);
        add_nomad(&records, "web");
        _cleanup_free_ char *unit = xasprintf("nspawn-%s.service", records.machines[0]);
        expect_found(records.machines[0], records.machines[0], true);
        expect_found(unit, records.machines[0], true);
        cr_assert_eq(target_find(unit, &record, &known, NULL), 0);
        cr_expect_not_null(strstr(record.id, "/web/"), "%s", record.id);
}

Test(target, nomads_tasks_are_found_by_id_and_by_allocation_long_and_short) {
        _cleanup_(records_close) Records records;

        records_open(&records);
        add_nomad(&records, "web");
        const char *machine = records.machines[0];
        _cleanup_free_ char *id = xasprintf("%s/web/0a1b2c3d", records.allocation);
        _cleanup_free_ char *task = xasprintf("%s/web", records.allocation);
        _cleanup_free_ char *shortened = xstrndup(records.allocation, 8);
        expect_found(id, machine, true);
        expect_found(task, machine, true);
        expect_found(records.allocation, machine, true);
        expect_found(shortened, machine, true);

        /* Seven characters are too few. */
        shortened[7] = 0;
        expect_found(shortened, shortened, false);
}

Test(target, an_allocation_of_several_tasks_is_not_enough) {
        _cleanup_(records_close) Records records;
        _cleanup_error_ Error *error = NULL;
        TaskRecord record = {};
        bool known;

        records_open(&records);
        add_nomad(&records, "web");
        add_nomad(&records, "log");
        add_nomad(&records, "log2");
        cr_assert_eq(target_find(records.allocation, &record, &known, &error), -ENOTUNIQ);
        cr_expect_null(record.id);
        for (size_t i = 0; i < records.n; i++)
                cr_expect_not_null(strstr(error->message, records.machines[i]), "%s", error->message);

        /* "log" stands for the task of that name, and not for "log2"; "lo" stands for none. */
        _cleanup_free_ char *task = xasprintf("%s/log", records.allocation);
        _cleanup_free_ char *shortened = xasprintf("%.8s/log", records.allocation);
        _cleanup_free_ char *beginning = xasprintf("%s/lo", records.allocation);
        _cleanup_task_record_ TaskRecord none = {};
        expect_found(task, records.machines[1], true);
        expect_found(shortened, records.machines[1], true);
        cr_assert_eq(target_find(beginning, &none, &known, NULL), 0);
        cr_expect_not(known);
}

Test(target, the_beginning_of_a_local_tasks_name_is_not_enough) {
        _cleanup_(records_close) Records records;

        records_open(&records);
        _cleanup_free_ char *name = xasprintf("local-task-%d", getpid());
        add(&records, name, name);
        expect_found(name, name, true);
        expect_found("local-task", "local-task", false);
}
