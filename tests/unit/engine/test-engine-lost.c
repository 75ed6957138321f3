/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <systemd/sd-bus.h>

#include "base/error.h"
#include "base/string.h"
#include "base/strv.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"
#include "box/own-name.h"

/* The connection to the bus is lost, with and without pending calls. */

TestSuite(engine_lost, .timeout = 60);

/* Ends the fake dbus-daemon, and waits until the engine has noticed. */
static void lose(EngineBox *box) {
        unsigned n_lost = box->n_lost;

        fake_systemd_drop(box->fake);
        engine_box_run_until(box, box->n_lost > n_lost);
        cr_assert_not(engine_is_connected(box->engine));
}

static void find_again(EngineBox *box) {
        unsigned n_connected = box->n_connected;

        fake_systemd_return(box->fake);
        engine_box_run_until(box, box->n_connected > n_connected);
        cr_assert(engine_is_connected(box->engine));
}

Test(engine_lost, nothing_starts_without_a_connection) {
        _cleanup_engine_box_ EngineBox box;
        _cleanup_error_ Error *error = NULL;

        engine_box_open(&box);
        lose(&box);
        cr_assert_eq(engine_start(box.engine, "one", engine_box_request(&box), &(TaskStreams){ -1, -1 },
                             engine_box_on_started, &box, &error),
                -EAGAIN);
        cr_assert_not_null(strstr(error->message, "systemd"));
        cr_assert_eq(engine_n_tasks(box.engine), 0);
        find_again(&box);
        engine_box_run(&box);
        cr_assert_eq(box.n_connected, 2);
}

static void recover(EngineBox *box) {
        TaskRecord record = { .unit = box->unit, .machine = box->machine };

        cr_assert_eq(engine_recover(box->engine, "one", &record, engine_box_on_started, box, NULL), 0);
        cr_assert_eq(box->n_started, 0);
}

Test(engine_lost, a_recovery_waits_for_the_connection) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        fake_unit_add(box.fake, box.unit, "active")->main_pid = 4711;
        lose(&box);
        recover(&box);
        find_again(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(task_state(box.task), TASK_RUNNING);
        cr_assert(engine_box_unit(&box)->pinned);
}

Test(engine_lost, a_recovery_does_not_wait_for_ever) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        lose(&box);
        recover(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_eq(box.code, EAGAIN);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
        find_again(&box);
}

Test(engine_lost, a_running_task_runs_on_and_is_pinned_again) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        lose(&box);
        cr_assert_not(engine_box_unit(&box)->pinned);
        find_again(&box);
        engine_box_settle(&box);
        cr_assert_eq(task_state(box.task), TASK_RUNNING);
        cr_assert_eq(box.n_ended, 0);
        cr_assert(engine_box_unit(&box)->pinned);
        cr_assert_eq(engine_box_count(&box, "Subscribe"), 2);

        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 6);
        engine_box_run_until(&box, box.n_ended > 0);
        cr_assert_eq(box.result.code, 6);
        cr_assert_eq(box.n_started, 1);
        task_wait_free(wait);
}

Test(engine_lost, an_end_meanwhile_is_told_without_a_result) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        lose(&box);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 6); /* systemd then drops the unit */
        find_again(&box);
        engine_box_run_until(&box, box.n_ended > 0);
        cr_assert_not(box.result.known);
        cr_assert_eq(task_state(box.task), TASK_EXITED);
        task_wait_free(wait);
}

Test(engine_lost, an_end_that_systemd_remembers_is_told_with_its_result) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        lose(&box);
        engine_box_unit(&box)->pinned = true; /* another client keeps it */
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 6);
        find_again(&box);
        engine_box_run_until(&box, box.n_ended > 0);
        cr_assert(box.result.known);
        cr_assert_eq(box.result.code, 6);
        task_wait_free(wait);
}

/* libsystemd answers pending calls with errors, which say nothing about the unit. */
Test(engine_lost, a_read_that_is_cut_off_does_not_end_the_task) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        size_t n = engine_box_count(&box, "GetAll");
        FakeUnit *unit = engine_box_unit(&box);

        /* The unit is between two runs. */
        box.fake->ignore = "GetAll";
        unit->active_state = "inactive";
        unit->job_id = 99;
        fake_unit_emit(box.fake, unit);
        engine_box_run_until(&box, engine_box_count(&box, "GetAll") > n);
        unit->active_state = "active";
        unit->job_id = 0;
        lose(&box);
        box.fake->ignore = NULL;
        find_again(&box);
        engine_box_settle(&box);
        cr_assert_eq(task_state(box.task), TASK_RUNNING);
        cr_assert_eq(box.n_ended, 0);
        task_wait_free(wait);
}

/* The engine's reference to the unit ends with the connection, but systemd drops the unit only after one is
 * released. */
Test(engine_lost, the_unit_of_a_task_that_ended_before_is_let_go) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 6);
        engine_box_run_until(&box, box.n_ended > 0);
        lose(&box);
        find_again(&box);
        engine_box_settle(&box);
        size_t pinned = fake_systemd_position(box.fake, "RefUnit");
        cr_assert_lt(pinned, fake_systemd_position(box.fake, "UnrefUnit"));
        cr_assert_eq(engine_box_count(&box, "RefUnit"), 1);
        cr_assert_eq(engine_box_count(&box, "UnrefUnit"), 1);
        task_forget(box.task);
        engine_box_settle(&box);
        cr_assert_eq(engine_box_count(&box, "UnrefUnit"), 1);
        task_wait_free(wait);
}

static void lose_during_start(EngineBox *box, FakeStart start) {
        engine_box_open(box);
        box->fake->start = start;
        engine_box_start(box);
        engine_box_run_until(box, engine_box_count(box, "StartTransientUnit") > 0);
        /* Lets the answer arrive, if there is one. */
        if (start == FAKE_START_HANG)
                engine_box_settle(box);
        lose(box);
        cr_assert_eq(box->n_started, 0, "%s", box->words);
        box->fake->start = FAKE_START_SUCCEED;
}

Test(engine_lost, a_start_whose_job_was_made_goes_on) {
        _cleanup_engine_box_ EngineBox box;

        lose_during_start(&box, FAKE_START_HANG);
        find_again(&box);
        engine_box_settle(&box);
        cr_assert_eq(box.n_started, 0);
        fake_unit_up(box.fake, engine_box_unit(&box));
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 1);
        cr_assert(engine_box_unit(&box)->pinned);
}

Test(engine_lost, a_start_that_came_up_meanwhile_succeeds) {
        _cleanup_engine_box_ EngineBox box;

        lose_during_start(&box, FAKE_START_HANG);
        fake_unit_up(box.fake, engine_box_unit(&box));
        find_again(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(task_state(box.task), TASK_RUNNING);
        cr_assert(engine_box_has_directory(&box));
}

Test(engine_lost, a_start_that_failed_meanwhile_fails) {
        _cleanup_engine_box_ EngineBox box;

        lose_during_start(&box, FAKE_START_HANG);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 1);
        find_again(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
}

/* systemd got the call, and only its answer was lost: the unit must not run without an engine. */
Test(engine_lost, a_start_whose_answer_was_lost_is_not_given_up) {
        _cleanup_engine_box_ EngineBox box;

        lose_during_start(&box, FAKE_START_SILENT);
        cr_assert(engine_box_has_directory(&box), "the unit may still need its secrets");
        fake_unit_up(box.fake, engine_box_unit(&box));
        find_again(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
}

Test(engine_lost, a_start_that_systemd_never_heard_of_fails_in_words) {
        _cleanup_engine_box_ EngineBox box;

        lose_during_start(&box, FAKE_START_LOST);
        find_again(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_not_null(strstr(box.words, box.unit), "%s", box.words);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
        cr_assert_not(engine_box_has_directory(&box), "the secrets are left");
}

Test(engine_lost, a_stop_while_the_start_is_cut_off_stops_the_unit) {
        _cleanup_engine_box_ EngineBox box;

        lose_during_start(&box, FAKE_START_HANG);
        task_stop(engine_first(box.engine), 0, 60 * USEC_PER_SEC);
        find_again(&box);
        engine_box_settle(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        engine_box_run_until(&box, !fake_unit_find(box.fake, box.unit));
}

Test(engine_lost, no_call_is_lost_however_often_the_bus_goes) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        for (int i = 0; i < 4; i++) {
                lose(&box);
                find_again(&box);
        }
        engine_box_settle(&box);
        cr_assert_eq(box.n_ended, 0);
        cr_assert_eq(box.n_connected, 5);
        cr_assert_eq(engine_box_count(&box, "Subscribe"), 5);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_KILLED, SIGKILL);
        engine_box_run_until(&box, box.n_ended > 0);
        engine_box_settle(&box);
        cr_assert_eq(box.n_ended, 1);
        cr_assert_eq(box.result.signal, SIGKILL);
        task_wait_free(wait);
}

Test(engine_lost, a_failed_attempt_to_connect_is_told_and_repeated) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        lose(&box);
        unsigned n = box.n_lost;
        engine_box_run_until(&box, box.n_lost >= n + 2);
        find_again(&box);
        engine_box_run(&box);
}

/* While systemd executes itself again, the dbus-daemon answers with these errors. */
Test(engine_lost, a_start_that_systemd_did_not_answer_is_not_one_that_it_refused) {
        static const char *const names[] = { SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_TIMEOUT };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_engine_box_ EngineBox box;

                engine_box_open(&box);
                box.fake->start = FAKE_START_REFUSE;
                box.fake->refuse_name = names[i];
                box.fake->refuse_words = "nobody answered";
                FakeUnit *unit = fake_unit_add(box.fake, box.unit, "activating");
                unit->main_pid = box.fake->main_pid;
                unit->pinned = true;
                engine_box_start(&box);
                engine_box_run_until(&box, engine_box_count(&box, "GetAll") > 0);
                engine_box_settle(&box);
                cr_assert_eq(box.n_started, 0, "%s", box.words);
                cr_assert(engine_box_has_directory(&box), "the unit may still need its secrets");
                fake_unit_up(box.fake, unit);
                engine_box_run_until(&box, box.n_started > 0);
                cr_assert_not_null(box.task, "%s", box.words);
        }
}

/* ---- units that cannot be read ---- */

Test(engine_lost, a_task_whose_state_cannot_be_read_runs_on_and_its_owner_is_told) {
        static const char *const names[] = { SD_BUS_ERROR_ACCESS_DENIED, SD_BUS_ERROR_LIMITS_EXCEEDED };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_engine_box_ EngineBox box;

                engine_box_open(&box);
                engine_box_run(&box);
                TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
                size_t n_events = strv_length(box.events);
                box.fake->no_read = names[i];
                lose(&box);
                find_again(&box);
                engine_box_run_until(&box, strv_length(box.events) > n_events);
                cr_assert_not_null(
                        strstr(box.events[n_events], "it is tried again"), "%s", box.events[n_events]);
                cr_assert_eq(task_state(box.task), TASK_RUNNING);
                cr_assert_eq(box.n_ended, 0);
                cr_assert(engine_box_has_directory(&box));

                fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 6);
                engine_box_settle(&box);
                cr_assert_eq(box.n_ended, 0, "an end of a unit that cannot be read");
                box.fake->no_read = NULL;
                engine_box_run_until(&box, box.n_ended > 0);
                cr_assert_eq(box.result.code, 6);
                task_wait_free(wait);
        }
}

Test(engine_lost, a_recovery_of_what_cannot_be_read_fails_as_without_a_connection) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        fake_unit_add(box.fake, box.unit, "active");
        box.fake->no_read = SD_BUS_ERROR_ACCESS_DENIED;
        recover(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_eq(box.code, EAGAIN, "%s", box.words);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
        cr_assert_eq(engine_box_count(&box, "StopUnit") + engine_box_count(&box, "KillUnit"), 0);
}

Test(engine_lost, a_start_whose_unit_cannot_be_read_at_first_succeeds) {
        _cleanup_engine_box_ EngineBox box;

        lose_during_start(&box, FAKE_START_HANG);
        box.fake->no_read = SD_BUS_ERROR_NO_MEMORY;
        box.fake->n_reads_refused = 2;
        fake_unit_up(box.fake, engine_box_unit(&box));
        find_again(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(task_state(box.task), TASK_RUNNING);
}

/* ---- the connection is lost, and the engine has not noticed yet ---- */

Test(engine_lost, a_recovery_right_after_the_bus_died_waits_for_the_connection) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        fake_unit_add(box.fake, box.unit, "active")->main_pid = 4711;
        fake_systemd_drop(box.fake);
        cr_assert(engine_is_connected(box.engine));
        recover(&box);
        engine_box_run_until(&box, box.n_lost > 0);
        find_again(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(task_state(box.task), TASK_RUNNING);
        cr_assert(engine_box_unit(&box)->pinned);
}

Test(engine_lost, a_recovery_whose_read_is_cut_off_does_not_wait_for_ever) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        fake_unit_add(box.fake, box.unit, "active");
        box.fake->ignore = "GetAll";
        recover(&box);
        engine_box_run_until(&box, engine_box_count(&box, "GetAll") > 0);
        lose(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_eq(box.code, EAGAIN);
        find_again(&box);
}

Test(engine_lost, a_start_right_after_the_bus_died_may_be_tried_again) {
        static const char *const images[] = { ".", "known-to-machined" };

        for (size_t i = 0; i < ELEMENTSOF(images); i++) {
                _cleanup_engine_box_ EngineBox box;
                _cleanup_error_ Error *error = NULL;

                engine_box_open(&box);
                box.fake->image = images[1];
                box.fake->image_path = box.fake->directory;
                box.fake->image_type = "directory";
                TaskRequest *request = engine_box_request(&box);
                if (i > 0)
                        string_replace(&request->spec.image, images[i]);
                fake_systemd_drop(box.fake);
                int r = engine_start(box.engine, "one", request, &(TaskStreams){ -1, -1 },
                        engine_box_on_started, &box, &error);
                engine_box_run_until(&box, box.n_lost > 0);
                find_again(&box);
                if (r < 0) {
                        cr_expect(error->code == EAGAIN || error->code == ENOTCONN, "%s", error->message);
                        cr_expect_eq(engine_n_tasks(box.engine), 0);
                        continue;
                }
                engine_box_run_until(&box, box.n_started > 0);
                cr_expect(box.task || box.code == EAGAIN || box.code == ENOTCONN, "%d: %s", box.code,
                        box.words);
        }
}

/* libsystemd answers the pending call with an error, which is not one of machined. */
Test(engine_lost, an_image_that_could_not_be_asked_for_is_not_one_that_is_missing) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        TaskRequest *request = engine_box_request(&box);
        string_replace(&request->spec.image, "known-to-machined");
        box.fake->ignore_machined = true;
        cr_assert_eq(engine_start(box.engine, "one", request, &(TaskStreams){ -1, -1 },
                             engine_box_on_started, &box, NULL),
                0);
        engine_box_run_until(&box, engine_box_count(&box, "GetImage") > 0);
        fake_systemd_drop(box.fake);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_eq(box.code, EAGAIN, "%s", box.words);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
        find_again(&box);
}

/* The engine reads the unit again, because no signal about its end came over the lost connection. */
Test(engine_lost, an_earlier_start_that_ends_while_there_is_no_connection_is_cleared_away) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        const TaskRecord record = {
                .id = (char *) (uintptr_t) "alloc/task/1",
                .machine = box.machine,
                .launch = TASK_LAUNCH_SUPERVISE,
        };
        own_record_leave(box.root, &record);
        free(engine_box_make_directory(&box));
        FakeUnit *unit = fake_unit_add(box.fake, box.unit, "active");
        box.fake->stop_is_slow = true;
        box.fake->ignore = "KillUnit";
        engine_box_start(&box);
        engine_box_run_until(&box, engine_box_count(&box, "KillUnit") > 0);
        engine_box_settle(&box);
        cr_assert_eq(box.n_started, 0);

        lose(&box);
        unit->active_state = "failed";
        unit->main_pid = 0;
        unit->job_id = 0;
        box.fake->ignore = NULL;
        find_again(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 1);
        task_forget(box.task);
}
