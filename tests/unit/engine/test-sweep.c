/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/string.h"
#include "base/task-dir.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"
#include "engine/record-file.h"
#include "engine/sweep.h"
#include "unit/task-dir.h"

TestSuite(sweep, .timeout = 60);

/* Directories that a test makes are younger than this, unless it makes them OLD_SEC old. */
#define AGE_USEC (30 * USEC_PER_SEC)
#define OLD_SEC 60

typedef struct Left {
        unsigned n;
        char *machine;
} Left;

typedef struct SweepBox {
        EngineBox box;
        Left left;
        Sweep *sweep;
} SweepBox;

static void on_swept(void *userdata, const char *machine) {
        Left *left = userdata;

        left->n++;
        string_replace(&left->machine, machine);
}

static void make_old(const char *path) {
        const struct timespec then = { .tv_sec = time(NULL) - OLD_SEC };

        cr_assert_eq(utimensat(AT_FDCWD, path, (struct timespec[]){ then, then }, 0), 0, "%s: %m", path);
}

/* Makes what a start leaves that was killed before it asked systemd for the unit. */
static void leave(const EngineBox *box, const char *machine, bool old) {
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

static bool is_left(const EngineBox *box, const char *machine, const char *name) {
        _cleanup_free_ char *path = task_dir_file(box->root, machine, name);

        return access(path, F_OK) >= 0;
}

static void sweep_box_close(SweepBox *this) {
        sweep_free(this->sweep);
        free(this->left.machine);
        engine_box_close(&this->box);
}
#define _cleanup_sweep_box_ _cleanup_(sweep_box_close)

static void sweep_box_begin(SweepBox *this, uint64_t age_usec) {
        this->sweep = sweep_new(this->box.engine, age_usec, on_swept, &this->left);
}

/* Runs until a directory was swept, and systemd has answered all calls. */
static void sweep_box_wait(SweepBox *this) {
        engine_box_run_until(&this->box, this->left.n > 0);
        fake_systemd_settle(this->box.fake, system_bus_connection(engine_system_bus(this->box.engine)));
}

Test(sweep, what_a_killed_start_left_goes_with_the_secrets) {
        _cleanup_sweep_box_ SweepBox this = {};

        engine_box_open(&this.box);
        leave(&this.box, "left-over", true);
        sweep_box_begin(&this, AGE_USEC);
        cr_expect_eq(this.left.n, 0);
        engine_box_run_until(&this.box, this.left.n > 0);
        cr_expect_str_eq(this.left.machine, "left-over");
        cr_expect_not(is_left(&this.box, "left-over", ""));
}

Test(sweep, a_unit_that_lives_keeps_all) {
        _cleanup_sweep_box_ SweepBox this = {};

        engine_box_open(&this.box);
        leave(&this.box, "living", true);
        leave(&this.box, "left-over", true);
        fake_unit_add(this.box.fake, "nspawn-living.service", "active");
        sweep_box_begin(&this, AGE_USEC);
        sweep_box_wait(&this);
        cr_expect_eq(this.left.n, 1);
        cr_expect_str_eq(this.left.machine, "left-over");
        cr_expect(is_left(&this.box, "living", TASK_UNIT_DIRECTORY "/" TASK_SECRETS_FILE));
        cr_expect(is_left(&this.box, "living", TASK_RECORD_FILE));
}

Test(sweep, how_a_task_ended_stays_until_somebody_asks) {
        _cleanup_sweep_box_ SweepBox this = {};

        engine_box_open(&this.box);
        leave(&this.box, "ended", true);
        _cleanup_free_ char *notes = task_dir_file(this.box.root, "ended", TASK_NOTES_FILE);
        static const char text[] = "payload 3 0\nunit result=exit-code code=exited status=3\n";
        cr_assert_eq(file_write_private(notes, text, strlen(text)), 0);
        leave(&this.box, "newer", true);
        _cleanup_free_ char *record = task_dir_file(this.box.root, "newer", TASK_RECORD_FILE);
        static const char newer[] = "{\"version\":1000}";
        cr_assert_eq(file_write_private(record, newer, strlen(newer)), 0);
        sweep_box_begin(&this, AGE_USEC);
        engine_box_run_until(&this.box,
                !is_left(&this.box, "ended", TASK_UNIT_DIRECTORY) &&
                        !is_left(&this.box, "newer", TASK_UNIT_DIRECTORY));
        cr_expect_eq(this.left.n, 0);
        cr_expect(is_left(&this.box, "newer", TASK_RECORD_FILE));
        cr_expect_not(is_left(&this.box, "ended", TASK_HOLDS_FILE));
        cr_expect(is_left(&this.box, "ended", TASK_RECORD_FILE));
        cr_expect(is_left(&this.box, "ended", TASK_NOTES_FILE));
}

Test(sweep, what_is_young_is_looked_at_again_when_it_is_old) {
        _cleanup_sweep_box_ SweepBox this = {};

        engine_box_open(&this.box);
        leave(&this.box, "young", false);
        uint64_t begin = clock_monotonic_usec();
        sweep_box_begin(&this, USEC_PER_SEC);
        engine_box_run_until(&this.box, this.left.n > 0);
        cr_expect_geq(clock_monotonic_usec() - begin, USEC_PER_SEC);
        cr_expect_not(is_left(&this.box, "young", ""));
}

Test(sweep, a_new_start_of_the_name_is_not_swept) {
        _cleanup_sweep_box_ SweepBox this = {};

        engine_box_open(&this.box);
        leave(&this.box, "reborn", true);
        leave(&this.box, "left-over", true);
        sweep_box_begin(&this, AGE_USEC);
        task_dir_remove_unit(this.box.root, "reborn");
        leave(&this.box, "reborn", false);
        sweep_box_wait(&this);
        cr_expect_eq(this.left.n, 1);
        cr_expect(is_left(&this.box, "reborn", TASK_UNIT_DIRECTORY "/" TASK_SECRETS_FILE));
}
