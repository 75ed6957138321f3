/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/string-map.h"
#include "base/string.h"
#include "base/strv.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"
#include "unit/task-dir.h"

TestSuite(engine, .timeout = 60);

Test(engine, a_start_succeeds_and_is_told_once) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        engine_box_settle(&box);
        cr_assert_eq(box.n_started, 1);
        cr_assert_str_eq(task_id(box.task), "one");
        cr_assert_str_eq(task_record(box.task)->unit, box.unit);
        cr_assert_str_eq(task_record(box.task)->machine, box.machine);
        cr_assert_eq(task_record(box.task)->launch, TASK_LAUNCH_SUPERVISE);
        cr_assert_gt(task_record(box.task)->started_usec, UINT64_C(1600000000) * USEC_PER_SEC);
        cr_assert_eq(engine_find(box.engine, "one"), box.task);
        cr_assert_null(engine_find(box.engine, "on"));
        cr_assert_eq(engine_first(box.engine), box.task);
        cr_assert_eq(engine_n_tasks(box.engine), 1);
        cr_assert_eq(strv_length(box.events), 2);
        cr_assert_not_null(strstr(box.events[0], "Starting from"));
        cr_assert_not_null(strstr(box.events[1], box.unit));
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 1);
        cr_assert_eq(engine_box_count(&box, "StopUnit"), 0);
}

Test(engine, that_a_system_boots_with_command_as_arguments_is_told) {
        _cleanup_engine_box_ EngineBox box;
        TaskRequest *request;

        engine_box_open(&box);
        request = engine_box_request(&box);
        request->launch = TASK_LAUNCH_BOOT;
        cr_assert_eq(engine_start(box.engine, "one", request, &(TaskStreams){ -1, -1 },
                             engine_box_on_started, &box, NULL),
                0);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_eq(strv_length(box.events), 3);
        cr_assert_not_null(strstr(box.events[1], "boot = false runs command"), "%s", box.events[1]);
}

Test(engine, subscription_comes_before_any_start) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        cr_assert_eq(fake_systemd_position(box.fake, "Subscribe"), 0);
        cr_assert_lt(fake_systemd_position(box.fake, "Get org.freedesktop.systemd1.Manager Version"),
                fake_systemd_position(box.fake, "StartTransientUnit"));
}

/* The end of the job shows that the task runs; the main process is found with the properties that follow. */
Test(engine, a_job_that_ends_before_the_properties_change_is_a_start) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        box.fake->start = FAKE_START_JOB_FIRST;
        engine_box_run(&box);
        engine_box_settle(&box);
        cr_assert_eq(box.n_started, 1);
        cr_assert_eq(task_state(box.task), TASK_RUNNING);
}

Test(engine, the_environment_is_in_a_private_file_only) {
        _cleanup_engine_box_ EngineBox box;
        _cleanup_free_ char *text = NULL;
        char *dump = NULL;
        size_t n;
        struct stat st;

        engine_box_open(&box);
        engine_box_run(&box);
        _cleanup_free_ char *directory = task_dir_unit_path(box.root, box.machine);
        _cleanup_free_ char *file = xasprintf("%s/secrets", directory);
        cr_assert_eq(stat(directory, &st), 0);
        cr_assert_eq(st.st_mode & 07777, 0700);
        cr_assert_eq(stat(file, &st), 0);
        cr_assert_eq(st.st_mode & 07777, 0600);
        cr_assert_gt(file_read(AT_FDCWD, file, 4096, &text), 0);
        cr_assert_str_eq(text, "ESECRET=hunter2");

        FILE *f = open_memstream(&dump, &n);
        cr_assert_geq(sd_bus_message_rewind(box.fake->started, true), 0);
        cr_assert_geq(sd_bus_message_dump(box.fake->started, f, SD_BUS_MESSAGE_DUMP_WITH_HEADER), 0);
        cr_assert_eq(fclose(f), 0);
        cr_assert_not_null(strstr(dump, directory));
        cr_assert_null(strstr(dump, "hunter2"));
        free(dump);

        _cleanup_free_ char *arguments = engine_box_arguments(&box);
        cr_assert_not_null(strstr(arguments, "--machine="));
        cr_assert_null(strstr(arguments, "hunter2"));
}

Test(engine, a_refused_start_is_told_in_systemds_words_and_leaves_nothing) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        box.fake->start = FAKE_START_REFUSE;
        box.fake->refuse_name = SD_BUS_ERROR_PROPERTY_READ_ONLY;
        box.fake->refuse_words = "Cannot set property Frobnication, or unknown property.";
        engine_box_start(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_not_null(strstr(box.words, "Cannot set property Frobnication"), "%s", box.words);
        cr_assert_not_null(strstr(box.words, box.unit), "%s", box.words);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
        cr_assert_not(engine_box_has_directory(&box));
}

Test(engine, a_name_that_cannot_be_recorded_is_refused) {
        _cleanup_error_ Error *error = NULL;
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        cr_assert_eq(engine_start(box.engine, "web-\xff", engine_box_request(&box), &(TaskStreams){ -1, -1 },
                             engine_box_on_started, &box, &error),
                -EINVAL);
        cr_expect_not_null(strstr(error_message(error), "not UTF-8"), "%s", error_message(error));
        cr_expect_eq(engine_n_tasks(box.engine), 0);
}

Test(engine, a_unit_that_dies_while_starting_is_told_with_its_status) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        box.fake->start = FAKE_START_FAIL;
        box.fake->exit_status = 77;
        engine_box_start(&box);
        uint64_t begin = fake_now();
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_lt(fake_now() - begin, 5 * USEC_PER_SEC);
        cr_assert_null(box.task);
        cr_assert_not_null(strstr(box.words, "77"), "%s", box.words);
        cr_assert_not_null(strstr(box.words, box.unit), "%s", box.words);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
        engine_box_settle(&box);
        cr_assert_null(fake_unit_find(box.fake, box.unit), "the unit is still referenced");
}

Test(engine, a_dead_leftover_is_replaced_once) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        fake_unit_add(box.fake, box.unit, "failed");
        engine_box_run(&box);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 2);
        cr_assert_eq(engine_box_count(&box, "ResetFailedUnit"), 1);
        cr_assert_eq(engine_box_count(&box, "StopUnit"), 0);
        cr_assert(engine_box_has_directory(&box));
}

Test(engine, a_dead_leftover_that_stays_is_tried_once_only) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        box.fake->reset_is_vain = true;
        fake_unit_add(box.fake, box.unit, "failed");
        engine_box_start(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_eq(box.code, EEXIST);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 2);
        cr_assert_eq(engine_box_count(&box, "ResetFailedUnit"), 1);
}

Test(engine, a_live_namesake_is_refused_and_left_alone) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        FakeUnit *unit = fake_unit_add(box.fake, box.unit, "active");
        unit->pinned = true;
        engine_box_start(&box);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_eq(box.code, EEXIST);
        cr_assert_not_null(strstr(box.words, "runs already"), "%s", box.words);
        engine_box_settle(&box);
        cr_assert_str_eq(engine_box_unit(&box)->active_state, "active");
        cr_assert_eq(engine_box_count(&box, "ResetFailedUnit"), 0);
        cr_assert_eq(engine_box_count(&box, "StopUnit"), 0);
        cr_assert_eq(engine_box_count(&box, "KillUnit"), 0);
        cr_assert(engine_box_unit(&box)->pinned);
        cr_assert_not(engine_box_has_directory(&box));
}

/* The task's directory exists already, and a second start must not write to it. */
Test(engine, the_secrets_of_a_live_namesake_stay) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        _cleanup_free_ char *file = task_dir_unit_file(box.root, box.machine, "secrets"), *text = NULL;
        TaskRequest *request = engine_box_request(&box);
        Task *first = box.task;

        box.n_started = 0;
        string_map_set(&request->spec.environment, "SECRET", "other");
        cr_assert_eq(engine_start(box.engine, "two", request, &(TaskStreams){ -1, -1 },
                             engine_box_on_started, &box, NULL),
                0);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_eq(box.code, EEXIST);
        cr_assert_gt(file_read(AT_FDCWD, file, 4096, &text), 0);
        cr_assert_str_eq(text, "ESECRET=hunter2");
        cr_assert_eq(engine_find(box.engine, "one"), first);
        engine_box_settle(&box);
        cr_assert(engine_box_unit(&box)->pinned, "the first task has lost its unit");
}

Test(engine, a_directory_left_behind_without_a_unit_is_replaced) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        free(engine_box_make_directory(&box));
        engine_box_run(&box);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 1);
}

/* nspawn of systemd 262 leaves such a mount when it is killed; normally our helper removes it. */
Test(engine, a_mount_left_in_that_directory_is_no_obstacle) {
        _cleanup_engine_box_ EngineBox box;

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                cr_skip_test("no mounts here");
        engine_box_open(&box);
        _cleanup_free_ char *directory = engine_box_make_directory(&box);
        _cleanup_free_ char *inner = xasprintf("%s/%s", directory, box.machine);
        cr_assert(mkdir(inner, 0755) == 0);
        cr_assert_eq(mount("tmpfs", inner, "tmpfs", 0, NULL), 0);
        engine_box_run(&box);
        cr_expect(access(inner, F_OK) < 0);
}

Test(engine, an_id_is_taken_once) {
        _cleanup_engine_box_ EngineBox box;
        _cleanup_error_ Error *error = NULL;

        engine_box_open(&box);
        engine_box_start(&box);
        cr_assert_eq(engine_start(box.engine, "one", engine_box_request(&box), &(TaskStreams){ -1, -1 },
                             engine_box_on_started, &box, &error),
                -EEXIST);
        cr_assert_not_null(strstr(error->message, "one"));
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task);
}

Test(engine, a_missing_image_is_refused_at_once) {
        _cleanup_engine_box_ EngineBox box;
        _cleanup_error_ Error *error = NULL;
        TaskRequest *request;

        engine_box_open(&box);
        request = engine_box_request(&box);
        string_replace(&request->spec.image, "/does/not/exist");
        cr_assert_eq(engine_start(box.engine, "one", request, &(TaskStreams){ -1, -1 },
                             engine_box_on_started, &box, &error),
                -ENOENT);
        cr_assert_not_null(strstr(error->message, "/does/not/exist"));
        engine_box_settle(&box);
        cr_assert_eq(box.n_started, 0);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 0);
}

Test(engine, a_missing_command_is_told_without_asking_systemd) {
        _cleanup_engine_box_ EngineBox box;
        TaskRequest *request;

        engine_box_open(&box);
        request = engine_box_request(&box);
        string_replace(&request->spec.command[0], "/bin/missing");
        cr_assert_eq(engine_start(box.engine, "one", request, &(TaskStreams){ -1, -1 },
                             engine_box_on_started, &box, NULL),
                0);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_eq(box.code, ENOENT);
        cr_assert_not_null(strstr(box.words, "/bin/missing"), "%s", box.words);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 0);
}

static void start_image(EngineBox *box, const char *image) {
        TaskRequest *request = engine_box_request(box);

        string_replace(&request->spec.image, image);
        cr_assert_eq(engine_start(box->engine, "one", request, &(TaskStreams){ -1, -1 },
                             engine_box_on_started, box, NULL),
                0);
        engine_box_run_until(box, box->n_started > 0);
}

Test(engine, an_image_that_is_no_path_is_asked_for_at_machined) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        box.fake->image = "debian";
        box.fake->image_path = "/var/lib/machines/debian.raw";
        box.fake->image_type = "raw";
        start_image(&box, "debian");
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(engine_box_count(&box, "GetImage debian"), 1);

        _cleanup_free_ char *arguments = engine_box_arguments(&box);
        cr_assert_not_null(strstr(arguments, "\n--image=/var/lib/machines/debian.raw\n"), "%s", arguments);
}

Test(engine, an_image_nobody_knows_is_told_in_words) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        start_image(&box, "nonesuch");
        cr_assert_null(box.task);
        cr_assert_eq(box.code, ENOENT);
        cr_assert_not_null(strstr(box.words, "\"nonesuch\""), "%s", box.words);
        cr_assert_not_null(strstr(box.words, box.fake->directory), "%s", box.words);
}

Test(engine, streams_are_handed_on_and_let_go_of) {
        _cleanup_engine_box_ EngineBox box;
        int out[2], err[2];

        engine_box_open(&box);
        cr_assert_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
        cr_assert_eq(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
        cr_assert_eq(engine_start(box.engine, "one", engine_box_request(&box),
                             &(TaskStreams){ out[1], err[1] }, engine_box_on_started, &box, NULL),
                0);
        (void) close(out[1]);
        (void) close(err[1]);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);

        /* Only systemd has the pipes open for writing; the engine has closed its copies. */
        char byte;
        cr_assert(read(out[0], &byte, 1) < 0 && errno == EAGAIN);
        cr_assert(read(err[0], &byte, 1) < 0 && errno == EAGAIN);
        box.fake->started = sd_bus_message_unref(box.fake->started);
        engine_box_settle(&box);
        cr_assert_eq(read(out[0], &byte, 1), 0);
        cr_assert_eq(read(err[0], &byte, 1), 0);
        (void) close(out[0]);
        (void) close(err[0]);
}

Test(engine, freeing_the_engine_leaves_every_task_as_it_is) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        box.engine = engine_free(box.engine);
        for (int i = 0; i < 5; i++)
                cr_assert_geq(sd_event_run(box.event, 10 * USEC_PER_MSEC), 0);
        cr_assert_str_eq(engine_box_unit(&box)->active_state, "active");
        cr_assert_eq(engine_box_count(&box, "StopUnit"), 0);
        cr_assert_eq(engine_box_count(&box, "KillUnit"), 0);
        cr_assert_eq(engine_box_count(&box, "UnrefUnit"), 0);
}

Test(engine, freeing_the_engine_during_a_start_is_silent) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        box.fake->start = FAKE_START_HANG;
        engine_box_start(&box);
        engine_box_run_until(&box, engine_box_count(&box, "StartTransientUnit") > 0);
        box.engine = engine_free(box.engine);
        cr_assert_eq(box.n_started, 0);
}
