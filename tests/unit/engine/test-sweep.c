/* SPDX-License-Identifier: Apache-2.0 */

#include <time.h>

#include "base/clock.h"
#include "base/task-dir.h"
#include "engine-box.h"
#include "engine/sweep.h"
#include "unit/task-dir.h"

TestSuite(sweep, .timeout = 60);

/* Younger than this is what a test makes without saying how old it is. */
#define AGE_USEC (30 * USEC_PER_SEC)
#define OLD_SEC 60

typedef struct Left {
        unsigned n;
        char *machine;
} Left;

static void on_swept(void *userdata, const char *machine) {
        Left *left = userdata;

        left->n++;
        string_replace(&left->machine, machine);
}

static void make_old(const char *path) {
        const struct timespec then = { .tv_sec = time(NULL) - OLD_SEC };

        cr_assert_eq(utimensat(AT_FDCWD, path, (struct timespec[]){ then, then }, 0), 0, "%s: %m", path);
}

/* What a start has left that was killed before it asked systemd for the unit. */
static void leave(const Box *box, const char *machine, bool old) {
        _cleanup_free_ char *directory = task_dir_unit_path(box->root, machine),
                            *secrets = task_dir_unit_file(box->root, machine, TASK_SECRETS_FILE);
        TaskRecord record = { .id = (char *) (uintptr_t) machine,
                .machine = (char *) (uintptr_t) machine,
                .launch = TASK_LAUNCH_SUPERVISE };

        cr_assert_eq(task_dir_create(box->root, machine), 0);
        cr_assert_eq(record_file_create(box->root, &record), 0);
        cr_assert_eq(task_dir_write_holds(box->root, machine), 0);
        cr_assert_eq(file_write_private(secrets, "secret", 6), 0);
        if (old)
                make_old(directory);
}

static bool is_left(const Box *box, const char *machine, const char *name) {
        _cleanup_free_ char *path = task_dir_file(box->root, machine, name);

        return access(path, F_OK) >= 0;
}

Test(sweep, what_a_killed_start_left_goes_with_the_secrets) {
        Left left = {};
        Box box;

        box_open(&box);
        leave(&box, "left-over", true);
        Sweep *sweep = sweep_new(box.engine, AGE_USEC, on_swept, &left);
        cr_expect_eq(left.n, 0);
        box_run_until(&box, left.n > 0);
        cr_expect_str_eq(left.machine, "left-over");
        cr_expect_not(is_left(&box, "left-over", ""));
        sweep_free(sweep);
        free(left.machine);
        box_close(&box);
}

Test(sweep, a_unit_that_lives_keeps_all) {
        Left left = {};
        Box box;

        box_open(&box);
        leave(&box, "living", true);
        leave(&box, "left-over", true);
        fake_unit_add(box.fake, "nspawn-living.service", "active");
        Sweep *sweep = sweep_new(box.engine, AGE_USEC, on_swept, &left);
        box_run_until(&box, left.n > 0);
        fake_systemd_settle(box.fake, system_bus_connection(engine_system_bus(box.engine)));
        cr_expect_eq(left.n, 1);
        cr_expect_str_eq(left.machine, "left-over");
        cr_expect(is_left(&box, "living", TASK_UNIT_DIRECTORY "/" TASK_SECRETS_FILE));
        cr_expect(is_left(&box, "living", TASK_RECORD_FILE));
        sweep_free(sweep);
        free(left.machine);
        box_close(&box);
}

Test(sweep, how_a_task_ended_stays_until_somebody_asks) {
        Left left = {};
        Box box;

        box_open(&box);
        leave(&box, "ended", true);
        _cleanup_free_ char *notes = task_dir_file(box.root, "ended", TASK_NOTES_FILE);
        static const char text[] = "payload 3 0\nunit result=exit-code code=exited status=3\n";
        cr_assert_eq(file_write_private(notes, text, strlen(text)), 0);
        leave(&box, "newer", true);
        _cleanup_free_ char *record = task_dir_file(box.root, "newer", TASK_RECORD_FILE);
        static const char newer[] = "{\"version\":1000}";
        cr_assert_eq(file_write_private(record, newer, strlen(newer)), 0);
        Sweep *sweep = sweep_new(box.engine, AGE_USEC, on_swept, &left);
        box_run_until(&box,
                !is_left(&box, "ended", TASK_UNIT_DIRECTORY) &&
                        !is_left(&box, "newer", TASK_UNIT_DIRECTORY));
        cr_expect_eq(left.n, 0);
        cr_expect(is_left(&box, "newer", TASK_RECORD_FILE));
        cr_expect_not(is_left(&box, "ended", TASK_HOLDS_FILE));
        cr_expect(is_left(&box, "ended", TASK_RECORD_FILE));
        cr_expect(is_left(&box, "ended", TASK_NOTES_FILE));
        sweep_free(sweep);
        free(left.machine);
        box_close(&box);
}

Test(sweep, what_is_young_is_looked_at_again_when_it_is_old) {
        Left left = {};
        Box box;

        box_open(&box);
        leave(&box, "young", false);
        uint64_t begin = clock_monotonic_usec();
        Sweep *sweep = sweep_new(box.engine, USEC_PER_SEC, on_swept, &left);
        box_run_until(&box, left.n > 0);
        cr_expect_geq(clock_monotonic_usec() - begin, USEC_PER_SEC);
        cr_expect_not(is_left(&box, "young", ""));
        sweep_free(sweep);
        free(left.machine);
        box_close(&box);
}

Test(sweep, a_new_start_of_the_name_is_not_swept) {
        Left left = {};
        Box box;

        box_open(&box);
        leave(&box, "reborn", true);
        leave(&box, "left-over", true);
        Sweep *sweep = sweep_new(box.engine, AGE_USEC, on_swept, &left);
        task_dir_remove_unit(box.root, "reborn");
        leave(&box, "reborn", false);
        box_run_until(&box, left.n > 0);
        fake_systemd_settle(box.fake, system_bus_connection(engine_system_bus(box.engine)));
        cr_expect_eq(left.n, 1);
        cr_expect(is_left(&box, "reborn", TASK_UNIT_DIRECTORY "/" TASK_SECRETS_FILE));
        sweep_free(sweep);
        free(left.machine);
        box_close(&box);
}
