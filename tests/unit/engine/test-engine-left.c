/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"
#include "box/group-box.h"
#include "box/own-name.h"
#include "unit/task-dir.h"

/* Tasks that an earlier engine left. */
TestSuite(engine_left, .timeout = 60);

/* The record and notes of a task that an earlier engine started. */
static void leave(const EngineBox *box, const char *id, const char *text) {
        const TaskRecord record = {
                .id = (char *) (uintptr_t) id,
                .machine = box->machine,
                .launch = TASK_LAUNCH_SUPERVISE,
        };

        own_record_leave(box->root, &record);
        engine_box_note(box, text);
}

static void recover_begin(EngineBox *box) {
        TaskRecord record = { .unit = box->unit, .machine = box->machine };

        cr_assert_eq(engine_recover(box->engine, "one", &record, engine_box_on_started, box, NULL), 0);
}

static void recover(EngineBox *box) {
        recover_begin(box);
        engine_box_run_until(box, box->n_started > 0);
}

Test(engine_left, the_record_is_there_while_the_task_is_and_not_longer) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        cr_assert(engine_box_has_record(&box, "one"));
        engine_box_note(&box, "payload 139 11\n");
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 139);
        engine_box_wait_for_end(&box);
        cr_assert_eq(box.result.code, 139);
        cr_assert_eq(box.result.signal, 11);
        cr_assert(engine_box_has_record(&box, NULL));
        task_forget(box.task);
        cr_assert_not(engine_box_has_record(&box, NULL));
}

Test(engine_left, a_start_that_fails_leaves_no_record) {
        static const FakeStart starts[] = { FAKE_START_FAIL, FAKE_START_REFUSE };

        for (size_t i = 0; i < ELEMENTSOF(starts); i++) {
                _cleanup_engine_box_ EngineBox box;

                engine_box_open(&box);
                box.fake->start = starts[i];
                box.fake->refuse_name = SD_BUS_ERROR_INVALID_ARGS;
                box.fake->refuse_words = "no";
                engine_box_start(&box);
                engine_box_run_until(&box, box.n_started > 0);
                cr_assert_null(box.task);
                cr_assert_not(engine_box_has_record(&box, NULL));
        }
}

Test(engine_left, an_end_that_nobody_saw_is_told_after_recovery) {
        static const struct {
                const char *note;
                int code, signal;
                bool oom;
        } rows[] = {
                { "payload 7 0\nunit result=exit-code code=exited status=7 oom_kill=0\n", 7, 0, false },
                { "payload 137 9\nunit result=exit-code code=exited status=137 oom_kill=1\n", 137, 9, true },
                { "unit result=success code=exited status=0\n", 0, 0, false },
                { "unit result=signal code=killed status=KILL\n", 137, 9, false },
                { "payload 133 0\n", 133, 0, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_engine_box_ EngineBox box;

                engine_box_open(&box);
                leave(&box, "one", rows[i].note);
                recover(&box);
                cr_assert_not_null(box.task, "%s", box.words);
                engine_box_wait_for_end(&box);
                cr_expect(box.result.known);
                cr_expect_eq(box.result.code, rows[i].code, "row %zu: %d", i, box.result.code);
                cr_expect_eq(box.result.signal, rows[i].signal, "row %zu", i);
                cr_expect_eq(box.result.oom_killed, rows[i].oom, "row %zu", i);
                cr_expect_eq(engine_box_count(&box, "StartTransientUnit"), 0);
                task_forget(box.task);
                cr_expect_not(engine_box_has_record(&box, NULL));
        }
}

Test(engine_left, an_end_that_is_not_noted_is_no_recovery) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave(&box, "one", "");
        recover(&box);
        cr_assert_null(box.task);
        cr_assert_eq(box.code, ESRCH);
        cr_assert_not(engine_box_has_record(&box, NULL));
}

Test(engine_left, a_unit_of_another_task_is_not_recovered_and_not_touched) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave(&box, "two", "");
        fake_unit_add(box.fake, box.unit, "active");
        recover(&box);
        cr_assert_null(box.task);
        cr_assert_eq(box.code, ESRCH);
        cr_assert_not_null(strstr(box.words, "another task"), "%s", box.words);
        engine_box_settle(&box);
        cr_assert_str_eq(engine_box_unit(&box)->active_state, "active");
        cr_assert(engine_box_has_record(&box, NULL));
        task_dir_remove_record(box.root, box.machine);
}

/* ---- starts ---- */

Test(engine_left, a_start_that_was_cut_off_is_adopted_when_its_unit_runs) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave(&box, "one", "");
        fake_unit_add(box.fake, box.unit, "active");
        engine_box_start(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(task_state(box.task), TASK_RUNNING);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 0);
        engine_box_settle(&box);
        cr_assert(engine_box_unit(&box)->pinned);

        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 6);
        engine_box_wait_for_end(&box);
        cr_assert_eq(box.result.code, 6);
        task_forget(box.task);
        cr_assert_not(engine_box_has_record(&box, NULL));
}

Test(engine_left, a_start_that_was_cut_off_is_waited_for_while_its_unit_starts) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave(&box, "one", "");
        FakeUnit *unit = fake_unit_add(box.fake, box.unit, "activating");
        unit->main_pid = box.fake->main_pid;
        engine_box_start(&box);
        engine_box_run_until(&box, engine_box_count(&box, "RefUnit") > 0);
        engine_box_settle(&box);
        cr_assert_eq(box.n_started, 0);
        fake_unit_up(box.fake, unit);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 0);
        task_forget(box.task);
}

Test(engine_left, a_command_that_ran_to_its_end_is_not_run_again) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave(&box, "one", "payload 9 0\nunit result=exit-code code=exited status=9\n");
        engine_box_start(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        engine_box_wait_for_end(&box);
        cr_assert_eq(box.result.code, 9);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 0);
        task_forget(box.task);
        cr_assert_not(engine_box_has_record(&box, NULL));
}

Test(engine_left, a_start_that_was_cut_off_before_its_command_ran_is_made_again) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave(&box, "one", "unit result=exit-code code=exited status=1\n");
        engine_box_run(&box);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 1);
        task_forget(box.task);
}

/* An agent that died before it stored the task leaves such a unit. */
Test(engine_left, a_live_unit_of_an_earlier_start_that_nobody_has_is_ended_first) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave(&box, "alloc/task/1", "");
        free(engine_box_make_directory(&box));
        fake_unit_add(box.fake, box.unit, "active");
        engine_box_run(&box);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 1);
        cr_assert_geq(engine_box_count(&box, "KillUnit"), 1);
        cr_assert(engine_box_has_record(&box, "one"));
        cr_assert_not_null(strstr(box.events[1], "earlier start"), "%s", box.events[1]);
        task_forget(box.task);
}

Test(engine_left, an_earlier_start_that_cannot_be_ended_since_it_is_frozen_is_told_of) {
        _cleanup_engine_box_ EngineBox box;
        _cleanup_group_box_ GroupBox groups;

        engine_box_open(&box);
        group_box_open(&groups);
        group_box_write(&groups, "../cgroup.freeze", "1\n");
        leave(&box, "alloc/task/1", "");
        free(engine_box_make_directory(&box));
        _cleanup_free_ char *path = group_box_path(&groups, NULL);
        fake_unit_place(fake_unit_add(box.fake, box.unit, "active"), path);
        engine_box_start(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_expect_null(box.task);
        cr_expect_not_null(strstr(box.words, "systemctl thaw test.slice"), "%s", box.words);
        cr_expect_eq(engine_box_count(&box, "StopUnit") + engine_box_count(&box, "KillUnit"), 0);
}

Test(engine_left, a_live_unit_of_a_task_that_this_engine_has_is_refused_in_words_and_left_alone) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        box.n_started = 0;
        cr_assert_eq(engine_start(box.engine, "two", engine_box_request(&box), &(TaskStreams){ -1, -1 },
                             engine_box_on_started, &box, NULL),
                0);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_eq(box.code, EEXIST);
        cr_assert_not_null(strstr(box.words, "for the task one: stop it first"), "%s", box.words);
        engine_box_settle(&box);
        cr_assert_str_eq(engine_box_unit(&box)->active_state, "active");
        cr_assert(engine_box_has_record(&box, "one"));
        task_forget(engine_find(box.engine, "one"));
}

Test(engine_left, a_live_unit_that_nobody_has_a_record_of_is_never_adopted) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        fake_unit_add(box.fake, box.unit, "active");
        engine_box_start(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_eq(box.code, EEXIST);
        engine_box_settle(&box);
        cr_assert_str_eq(engine_box_unit(&box)->active_state, "active");
        cr_assert_not(engine_box_has_record(&box, NULL));
}

/* ---- stop ---- */

Test(engine_left, a_stop_during_recovery_comes_after_it) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave(&box, "one", "");
        fake_unit_add(box.fake, box.unit, "active");
        recover_begin(&box);
        Task *task = engine_first(box.engine);
        TaskWait *wait = task_wait(task, engine_box_on_ended, &box);
        task_stop(task, 0, 60 * USEC_PER_SEC);
        cr_assert_eq(engine_box_count(&box, "StopUnit"), 0);
        engine_box_run_until(&box, box.n_ended > 0);
        cr_assert_eq(box.n_started, 1);
        cr_assert_not_null(box.task, "%s", box.words);
        task_wait_free(wait);
        task_forget(box.task);
}

/* ---- tasks of version 0.1.0 ---- */

/* Return: the path of the task's directory, or of its file in the directory @below; owned by the caller. */
static char *old_path(const EngineBox *box, const char *below) {
        return xasprintf("%s/%s%s", box->root, below, box->machine);
}

/* Makes the files that the engine of that version made for a task. */
static void leave_old(const EngineBox *box, const char *notes) {
        _cleanup_free_ char *directory = old_path(box, ""), *ledger = old_path(box, ".ledgers/"),
                            *ledgers = xasprintf("%s/.ledgers", box->root),
                            *secrets = xasprintf("%s/task", directory),
                            *arguments = xasprintf("%s/arguments", directory),
                            *text = xasprintf(
                                    "{\"version\":1,\"id\":\"one\",\"unit\":\"%s\",\"machine\":\"%s\","
                                    "\"launch\":\"supervise\",\"started_usec\":0}\n%s",
                                    box->unit, box->machine, notes);

        (void) mkdir(box->root, 0755);
        cr_assert_eq(mkdir(ledgers, 0700), 0);
        cr_assert_eq(mkdir(directory, 0700), 0);
        cr_assert_eq(file_write_private(ledger, text, strlen(text)), 0);
        cr_assert_eq(file_write_private(secrets, "ESECRET=hunter2", 16), 0);
        cr_assert_eq(file_write_private(arguments, "/usr/bin/systemd-nspawn", 24), 0);
}

Test(engine_left, a_task_of_version_0_1_0_is_recovered_stopped_and_cleaned_up) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave_old(&box, "");
        fake_unit_add(box.fake, box.unit, "active");
        recover(&box);
        cr_assert_not_null(box.task, "%s", box.words);
        _cleanup_free_ char *stopping = xasprintf("%s/%s/stopping", box.root, box.machine);
        task_stop(box.task, 0, 60 * USEC_PER_SEC);
        cr_expect_eq(access(stopping, F_OK), 0, "where its unit looks for it");

        _cleanup_free_ char *ledger = old_path(&box, ".ledgers/");
        _cleanup_fd_ int fd = open(ledger, O_WRONLY | O_APPEND | O_CLOEXEC);
        static const char end[] = "payload 133 0\nunit result=exit-code code=exited status=1\n";
        cr_assert_eq(fd_write_all(fd, end, strlen(end)), 0);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 1);
        engine_box_wait_for_end(&box);
        cr_expect_eq(box.result.code, 133);
        task_forget(box.task);
        cr_expect_not(engine_box_has_directory(&box));
        cr_expect_not(engine_box_has_record(&box, NULL));
        cr_expect_eq(rmdir(box.root), 0, "something is left");
}

Test(engine_left, a_task_of_version_0_1_0_that_ended_meanwhile_is_told_with_its_end) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave_old(&box, "payload 137 9\nunit result=signal code=exited status=137\n");
        recover(&box);
        cr_assert_not_null(box.task, "%s", box.words);
        engine_box_wait_for_end(&box);
        cr_expect_eq(box.result.signal, 9);
        task_forget(box.task);
        cr_expect_eq(rmdir(box.root), 0, "something is left");
}

Test(engine_left, the_next_start_takes_the_place_of_a_dead_one_of_version_0_1_0) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        leave_old(&box, "");
        engine_box_run(&box);
        _cleanup_free_ char *directory = old_path(&box, ""), *ledger = old_path(&box, ".ledgers/");
        cr_expect(access(directory, F_OK) < 0 && access(ledger, F_OK) < 0);
        cr_expect(engine_box_has_record(&box, "one"));
        task_forget(box.task);
}
