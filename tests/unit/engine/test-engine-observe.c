/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strv.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"
#include "box/own-name.h"

/* An engine that observes tasks of another one. */
TestSuite(engine_observe, .timeout = 60);

/* Notes as our init and nspawn-units-helper write them. */
#define END "payload 7 0\nunit result=exit-code code=exited status=7\n"

/* Starts a task with an engine that then ends, and leaves the task. */
static void leave_task(EngineBox *box) {
        engine_box_run(box);
        engine_box_settle(box);
        box->task = NULL;
        box->n_started = 0;
        box->engine = engine_free(box->engine);
        fake_systemd_drop(box->fake);
        fake_systemd_return(box->fake);
        strv_free(box->fake->calls);
        box->fake->calls = NULL;
}

static void observe(EngineBox *box) {
        TaskRecord record = { .id = (char *) (uintptr_t) "one", .unit = box->unit, .machine = box->machine };

        box->engine = engine_new(box->event,
                &(EngineConfig){
                        .bus_address = box->fake->address,
                        .runtime_directory = box->root,
                        .role = ENGINE_VISITOR,
                        .image_directory = "/",
                },
                &engine_box_callbacks, box);
        engine_box_run_until(box, engine_is_connected(box->engine));
        cr_assert_eq(engine_recover(box->engine, "one", &record, engine_box_on_started, box, NULL), 0);
        engine_box_run_until(box, box->n_started > 0);
}

/* Expects no calls of systemd but those that read. */
static void expect_untouched(EngineBox *box) {
        static const char *const questions[] = { "GetAll", "Get ", "Subscribe" };
        size_t n_questions = 0;

        engine_box_settle(box);
        for (size_t i = 0; i < ELEMENTSOF(questions); i++)
                n_questions += engine_box_count(box, questions[i]);
        _cleanup_free_ char *calls = strv_join(box->fake->calls, "; ");
        cr_expect_eq(n_questions, strv_length(box->fake->calls), "%s", calls);
        cr_expect(engine_box_has_record(box, "one"), "the record is gone");
        cr_expect(engine_box_has_directory(box));
}

Test(engine_observe, a_task_that_runs_is_found_and_not_held) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave_task(&box);
        observe(&box);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(task_state(box.task), TASK_RUNNING);
        expect_untouched(&box);
        cr_expect_not(engine_box_unit(&box)->pinned);
        box.engine = engine_free(box.engine);
        cr_expect_str_eq(engine_box_unit(&box)->active_state, "active");
}

Test(engine_observe, nothing_is_held_after_a_loss_of_the_bus_either) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave_task(&box);
        observe(&box);
        fake_systemd_drop(box.fake);
        engine_box_run_until(&box, box.n_lost > 0);
        unsigned n_connected = box.n_connected;
        fake_systemd_return(box.fake);
        engine_box_run_until(&box, box.n_connected > n_connected);
        expect_untouched(&box);
        cr_expect_eq(task_state(box.task), TASK_RUNNING);
}

Test(engine_observe, an_end_is_told_and_all_of_it_left_to_who_owns_it) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave_task(&box);
        observe(&box);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        own_notes_leave(box.root, box.machine, END);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 7);
        /* The owner starts the next task of that name before the observer sees the end. */
        _cleanup_free_ char *directory = engine_box_make_directory(&box);
        engine_box_run_until(&box, box.n_ended > 0);
        cr_expect_eq(box.result.code, 7);
        cr_expect(engine_box_has_record(&box, "one"));
        cr_expect_eq(rmdir(directory), 0, "the directory of the next start was removed");
        task_wait_free(wait);
        box.engine = engine_free(box.engine);
        cr_expect(engine_box_has_record(&box, "one"));
        cr_expect_eq(engine_box_count(&box, "UnrefUnit"), 0);
}

/* To release the name of a killed container at systemd-machined is the owner's part. */
Test(engine_observe, a_restart_by_systemd_is_left_alone) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave_task(&box);
        observe(&box);
        FakeUnit *unit = engine_box_unit(&box);
        unit->active_state = "activating";
        unit->sub_state = "auto-restart";
        unit->main_pid = 0;
        unit->n_restarts++;
        unit->exec_main_code = CLD_KILLED;
        unit->exec_main_status = SIGKILL;
        fake_unit_emit(box.fake, unit);
        expect_untouched(&box);
}

Test(engine_observe, a_task_whose_end_is_not_known_keeps_its_record) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave_task(&box);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 7);
        fake_systemd_drop(box.fake);
        fake_systemd_return(box.fake);
        cr_assert_null(fake_unit_find(box.fake, box.unit));
        observe(&box);
        cr_expect_null(box.task);
        cr_expect_eq(box.code, ESRCH);
        cr_expect(engine_box_has_record(&box, "one"));
        cr_expect_eq(engine_box_count(&box, "UnrefUnit"), 0);
}
