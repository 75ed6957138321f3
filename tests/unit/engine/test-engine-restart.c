/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "base/run-result.h"
#include "base/strv.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"
#include "engine/task.h"
#include "unit/task-dir.h"

/* Runs that follow each other in one unit. */
TestSuite(engine_restart, .timeout = 60);

#define RUN(n) "unit result=exit-code code=exited status=1 invocation=0102030405060708090a0b0c0d0e0f0" n "\n"

/* A task whose first run has the invocation of RUN("1"). */
static void run_first(EngineBox *box) {
        engine_box_run(box);
        engine_box_unit(box)->invocation = 1;
        fake_unit_emit(box->fake, engine_box_unit(box));
        engine_box_settle(box);
}

static void restart(EngineBox *box, FakeUnit *unit, const char *sub_state) {
        unit->active_state = "activating";
        unit->sub_state = sub_state;
        unit->main_pid = 0;
        unit->n_restarts++;
        fake_unit_emit(box->fake, unit);
        engine_box_settle(box);
}

Test(engine_restart, a_restart_is_told_once_with_how_the_run_ended_and_is_no_end) {
        static const char *const sub_states[] = { "auto-restart", "auto-restart-queued" };

        for (size_t i = 0; i < ELEMENTSOF(sub_states); i++) {
                _cleanup_engine_box_ EngineBox box;

                engine_box_open(&box);
                engine_box_run(&box);
                engine_box_note(&box, "payload 3 0\nunit result=exit-code code=exited status=3\n");
                restart(&box, engine_box_unit(&box), sub_states[i]);
                fake_unit_emit(box.fake, engine_box_unit(&box));
                engine_box_settle(&box);
                cr_assert_eq(strv_length(box.events), 2, "not before it runs");
                engine_box_unit(&box)->main_pid = box.fake->main_pid;
                fake_unit_up(box.fake, engine_box_unit(&box));
                engine_box_settle(&box);
                fake_unit_emit(box.fake, engine_box_unit(&box));
                engine_box_settle(&box);
                cr_assert_eq(task_state(box.task), TASK_RUNNING);
                cr_assert_eq(strv_length(box.events), 3, "%zu", strv_length(box.events));
                cr_assert_str_eq(box.events[2], "Restarted by systemd: exit code 3");
                task_forget(box.task);
        }
}

/* On a busy host the engine reads the end of a run when the next run has begun, or ended as well. */
Test(engine_restart, a_restart_that_is_seen_late_is_told_with_how_its_own_run_ended) {
        static const struct {
                const char *ledger;
                bool between; /* systemd's status is that of the time between the two runs */
        } rows[] = {
                { "payload 7 0\n" RUN("1"), false },
                { "before payload 7 0\nbefore " RUN("1") "payload 8 0\n" RUN("2"), false },
                { "payload 7 0\n" RUN("1"), true },
                { "before payload 7 0\nbefore " RUN("1") "payload 8 0\n" RUN("2"), true },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_engine_box_ EngineBox box;

                engine_box_open(&box);
                run_first(&box);
                engine_box_note(&box, rows[i].ledger);
                if (rows[i].between)
                        restart(&box, engine_box_unit(&box), "auto-restart");
                engine_box_unit(&box)->n_restarts = 1;
                engine_box_unit(&box)->invocation = 2;
                engine_box_unit(&box)->main_pid = box.fake->main_pid;
                fake_unit_up(box.fake, engine_box_unit(&box));
                engine_box_settle(&box);
                cr_assert_eq(strv_length(box.events), 3, "row %zu", i);
                cr_expect_str_eq(
                        box.events[2], "Restarted by systemd: exit code 7", "row %zu: %s", i, box.events[2]);
                task_forget(box.task);
        }
}

Test(engine_restart, a_restart_of_which_nothing_is_seen_is_told_at_the_end) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        run_first(&box);
        engine_box_note(&box, "before payload 7 0\nbefore " RUN("1") "payload 8 0\n" RUN("2"));
        engine_box_unit(&box)->n_restarts = 1;
        engine_box_unit(&box)->invocation = 2;
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 8);
        engine_box_wait_for_end(&box);
        cr_assert_eq(box.result.code, 8);
        cr_assert_eq(strv_length(box.events), 4);
        cr_assert_str_eq(box.events[2], "Restarted by systemd: exit code 7");
        cr_assert_str_eq(box.events[3], "Exited: exit code 8");
        task_forget(box.task);
}

/* The helper was killed before it wrote the note; our init's result is in the eventfd. */
Test(engine_restart, the_last_run_is_told_though_only_an_earlier_one_is_noted) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        run_first(&box);
        engine_box_note(&box, "payload 7 0\n" RUN("1"));
        engine_box_unit(&box)->n_restarts = 1;
        engine_box_unit(&box)->invocation = 2;
        fake_unit_up(box.fake, engine_box_unit(&box));
        engine_box_settle(&box);

        const uint64_t number = run_result_number(8, 0);
        cr_assert_eq(write(box.task->result_fd, &number, sizeof(number)), (ssize_t) sizeof(number));
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 1);
        engine_box_wait_for_end(&box);
        cr_assert(box.result.known);
        cr_assert_eq(box.result.code, 8, "%d", box.result.code);
        task_forget(box.task);
}

/* systemd also counts a restart that it refuses. */
Test(engine_restart, a_restart_that_systemd_refuses_is_not_told_and_the_last_run_is_the_end) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        run_first(&box);
        engine_box_note(&box, "payload 3 0\n" RUN("1"));
        restart(&box, engine_box_unit(&box), "auto-restart");
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 3);
        engine_box_wait_for_end(&box);
        cr_assert_eq(box.result.code, 3);
        cr_assert_eq(strv_length(box.events), 3);
        cr_assert_str_eq(box.events[2], "Exited: exit code 3");
        task_forget(box.task);
}

Test(engine_restart, a_task_that_is_stopped_is_not_restarted) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        box.fake->stop_is_slow = true;
        _cleanup_free_ char *stopping = task_dir_unit_file(box.root, box.machine, "stopping");
        cr_assert_neq(access(stopping, F_OK), 0);
        task_stop(box.task, 0, 60 * USEC_PER_SEC);
        cr_assert_eq(access(stopping, F_OK), 0, "without this file systemd would restart the unit");
        engine_box_settle(&box);
        size_t before = engine_box_count(&box, "StopUnit");
        restart(&box, engine_box_unit(&box), "auto-restart");
        cr_assert_gt(engine_box_count(&box, "StopUnit"), before);

        engine_box_note(&box, "payload 3 0\nunit result=exit-code code=exited status=3\n");
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 3);
        engine_box_wait_for_end(&box);
        cr_assert_not(engine_box_has_directory(&box));
        task_forget(box.task);
}

Test(engine_restart, a_start_that_fails_is_not_tried_again_by_systemd) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        box.fake->start = FAKE_START_HANG;
        engine_box_start(&box);
        engine_box_run_until(&box, fake_unit_find(box.fake, box.unit));
        engine_box_settle(&box);
        fake_unit_fail_job(box.fake, engine_box_unit(&box));
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_geq(engine_box_count(&box, "StopUnit"), 1);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
}
