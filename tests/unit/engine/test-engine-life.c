/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>

#include "base/error.h"
#include "base/strv.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"

TestSuite(engine_life, .timeout = 60);

Test(engine_life, an_exit_is_told_with_its_code) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 42);
        cr_assert_eq(box.n_ended, 0);
        engine_box_run_until(&box, box.n_ended > 0);
        engine_box_settle(&box);
        cr_assert_eq(box.n_ended, 1);
        cr_assert(box.result.known);
        cr_assert_eq(box.result.code, 42);
        cr_assert_eq(box.result.signal, 0);
        cr_assert_eq(box.result.usec, 1234567);
        cr_assert_eq(task_state(box.task), TASK_EXITED);
        cr_assert_eq(task_result(box.task)->code, 42);
        cr_assert_eq(task_leader(box.task), 0);
        task_wait_free(wait);
}

Test(engine_life, an_exit_with_zero_is_known_too) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 0);
        engine_box_run_until(&box, box.n_ended > 0);
        cr_assert(box.result.known);
        cr_assert_eq(box.result.code, 0);
        task_wait_free(wait);
}

Test(engine_life, a_signal_that_ends_the_process_is_told) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_DUMPED, SIGSEGV);
        engine_box_run_until(&box, box.n_ended > 0);
        cr_assert(box.result.known);
        cr_assert_eq(box.result.code, 128 + SIGSEGV);
        cr_assert_eq(box.result.signal, SIGSEGV);
        task_wait_free(wait);
}

Test(engine_life, an_exit_before_anybody_waits_is_told_still) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 3);
        engine_box_run_until(&box, task_state(box.task) == TASK_EXITED);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        cr_assert_eq(box.n_ended, 0, "a callback from within the call");
        engine_box_run_until(&box, box.n_ended > 0);
        cr_assert_eq(box.result.code, 3);
        task_wait_free(wait);
}

/* The unit is active and gone within one turn of the loop. */
Test(engine_life, a_task_that_ends_at_once_was_started_and_ended) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        box.fake->start = FAKE_START_HANG;
        engine_box_start(&box);
        engine_box_run_until(&box, fake_unit_find(box.fake, box.unit));
        fake_unit_up(box.fake, engine_box_unit(&box));
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 5);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        engine_box_run_until(&box, box.n_ended > 0);
        cr_assert_eq(box.n_started, 1);
        cr_assert(box.result.known);
        cr_assert_eq(box.result.code, 5);
        task_wait_free(wait);
}

Test(engine_life, every_waiter_is_told_once) {
        _cleanup_engine_box_ EngineBox box;
        TaskWait *waits[5];

        engine_box_open(&box);
        engine_box_run(&box);
        for (size_t i = 0; i < ELEMENTSOF(waits); i++)
                waits[i] = task_wait(box.task, engine_box_on_ended, &box);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 1);
        engine_box_run_until(&box, box.n_ended == ELEMENTSOF(waits));
        engine_box_settle(&box);
        cr_assert_eq(box.n_ended, ELEMENTSOF(waits));
        for (size_t i = 0; i < ELEMENTSOF(waits); i++)
                cr_assert_null(task_wait_free(waits[i]));
}

Test(engine_life, a_wait_that_is_freed_early_is_not_told) {
        _cleanup_engine_box_ EngineBox box;
        unsigned n_other = 0;

        engine_box_open(&box);
        engine_box_run(&box);
        EngineBox other = {};
        TaskWait *early = task_wait(box.task, engine_box_on_ended, &other),
                 *wait = task_wait(box.task, engine_box_on_ended, &box);
        TaskWait *late = task_wait(box.task, engine_box_on_ended, &other);
        task_wait_free(early);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 1);
        engine_box_run_until(&box, task_state(box.task) == TASK_EXITED);
        n_other = other.n_ended;
        if (n_other == 0)
                task_wait_free(late); /* its callback is already due */
        engine_box_run_until(&box, box.n_ended > 0);
        engine_box_settle(&box);
        cr_assert_eq(other.n_ended, n_other);
        if (n_other > 0)
                task_wait_free(late);
        task_wait_free(wait);
        task_wait_free(NULL);
}

Test(engine_life, a_wait_outlives_its_task) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 9);
        engine_box_run_until(&box, task_state(box.task) == TASK_EXITED);
        task_forget(box.task);
        engine_box_run_until(&box, box.n_ended > 0);
        cr_assert_eq(box.result.code, 9);
        task_wait_free(wait);
}

Test(engine_life, who_waits_for_a_task_that_is_forgotten_alive_is_told_nothing_is_known) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        task_forget(box.task);
        engine_box_run_until(&box, box.n_ended > 0);
        cr_assert_not(box.result.known);
        task_wait_free(wait);
}

Test(engine_life, forget_lets_systemd_collect_the_unit) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 1);
        engine_box_run_until(&box, task_state(box.task) == TASK_EXITED);
        cr_assert_not_null(fake_unit_find(box.fake, box.unit), "it is kept until then");
        task_forget(box.task);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
        cr_assert_null(engine_find(box.engine, "one"));
        engine_box_settle(&box);
        cr_assert_eq(engine_box_count(&box, "UnrefUnit"), 1);
        cr_assert_null(fake_unit_find(box.fake, box.unit));
}

Test(engine_life, the_name_is_free_again_afterwards) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        for (int i = 0; i < 3; i++) {
                box.n_started = 0;
                engine_box_run(&box);
                fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, i);
                engine_box_run_until(&box, task_state(box.task) == TASK_EXITED);
                cr_assert_eq(task_result(box.task)->code, i);
                task_forget(box.task);
        }
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 3);
        cr_assert_eq(engine_box_count(&box, "ResetFailedUnit"), 0);
}

/* systemd restarts a booted container that rebooted: the unit passes through inactive with a job. */
Test(engine_life, inactive_with_a_job_is_no_end) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        FakeUnit *unit = engine_box_unit(&box);
        unit->active_state = "inactive";
        unit->job_id = 99;
        fake_unit_emit(box.fake, unit);
        engine_box_settle(&box);
        cr_assert_eq(task_state(box.task), TASK_RUNNING);
        fake_unit_up(box.fake, unit);
        engine_box_settle(&box);
        cr_assert_eq(task_state(box.task), TASK_RUNNING);
}

static int recover(EngineBox *box) {
        TaskRecord record = {
                .unit = box->unit, .machine = box->machine, .launch = TASK_LAUNCH_STUB, .started_usec = 77
        };

        return engine_recover(box->engine, "old", &record, engine_box_on_started, box, NULL);
}

Test(engine_life, a_running_unit_is_recovered_and_pinned) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        fake_unit_add(box.fake, box.unit, "active");
        cr_assert_eq(recover(&box), 0);
        cr_assert_eq(box.n_started, 0);
        cr_assert_eq(recover(&box), -EEXIST);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(task_state(box.task), TASK_RUNNING);
        cr_assert_eq(task_record(box.task)->started_usec, 77);
        cr_assert_eq(task_record(box.task)->launch, TASK_LAUNCH_STUB);
        cr_assert(engine_box_unit(&box)->pinned);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 0);
        cr_assert(strv_is_empty(box.events), "nothing was started");

        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 8);
        engine_box_run_until(&box, box.n_ended > 0);
        cr_assert_eq(box.result.code, 8);
        task_wait_free(wait);
}

/* A unit that reboots or that systemd restarts: RecoverTask does not wait for the next run. */
Test(engine_life, a_unit_that_is_starting_again_is_recovered_at_once) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        FakeUnit *unit = fake_unit_add(box.fake, box.unit, "activating");
        unit->main_pid = box.fake->main_pid;
        unit->n_restarts = 3;
        cr_assert_eq(recover(&box), 0);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task);
        fake_unit_up(box.fake, unit);
        engine_box_settle(&box);
        cr_assert(strv_is_empty(box.events), "an event about an earlier run");
}

static void expect_no_recovery(const char *state) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        if (state)
                fake_unit_add(box.fake, box.unit, state)->pinned = true;
        cr_assert_eq(recover(&box), 0);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_eq(box.code, ESRCH);
        cr_assert_not_null(strstr(box.words, "task not found for given id"), "%s", box.words);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
        engine_box_settle(&box);
        cr_assert_null(fake_unit_find(box.fake, box.unit));
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 0);
}

Test(engine_life, a_dead_unit_is_not_recovered) {
        expect_no_recovery("failed");
}

Test(engine_life, an_inactive_unit_is_not_recovered) {
        expect_no_recovery("inactive");
}

Test(engine_life, a_missing_unit_is_not_recovered) {
        expect_no_recovery(NULL);
}

static void never_output(
        void *userdata _unused_, ExecStream stream _unused_, const void *bytes _unused_, size_t n _unused_) {
        cr_assert_fail("nothing runs");
}

static void never_drain(void *userdata _unused_) {
        cr_assert_fail("nothing runs");
}

static void never_end(void *userdata _unused_, const ExecResult *result _unused_, const Error *e _unused_) {
        cr_assert_fail("nothing runs");
}

Test(engine_life, nothing_is_run_in_a_task_without_a_container) {
        static const ExecCallbacks callbacks = { never_output, never_drain, never_end };
        _cleanup_error_ Error *error = NULL;
        _cleanup_engine_box_ EngineBox box;
        Exec *exec = NULL;

        engine_box_open(&box);
        engine_box_run(&box);
        cr_assert_eq(task_exec(box.task, &(ExecSpec){}, &callbacks, NULL, &exec, &error), -ESRCH);
        cr_assert_str_eq(error->message, "the task does not run: nothing can be run in it");
        cr_assert_null(exec);
}
