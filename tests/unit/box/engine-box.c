/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/string-map.h"
#include "base/string.h"
#include "base/strv.h"
#include "base/task-dir.h"
#include "box/engine-box.h"
#include "box/own-name.h"
#include "engine/record-file.h"
#include "unit/task-dir.h"

static void on_connection(void *userdata, const Error *error) {
        EngineBox *box = userdata;

        if (error)
                box->n_lost++;
        else
                box->n_connected++;
}

static void on_event(
        void *userdata, Task *task _unused_, const char *message, const char *const *annotations) {
        EngineBox *box = userdata;

        cr_assert(annotations && annotations[0]);
        strv_append(&box->events, message);
}

const EngineCallbacks engine_box_callbacks = { on_connection, on_event };

void engine_box_on_started(void *userdata, Task *task, const Error *error) {
        EngineBox *box = userdata;

        cr_assert((task == NULL) != (error == NULL));
        box->n_started++;
        box->task = task;
        box->code = error ? error->code : 0;
        string_replace(&box->words, error ? error->message : NULL);
}

void engine_box_on_ended(void *userdata, const ExitResult *result) {
        EngineBox *box = userdata;

        box->n_ended++;
        box->result = *result;
}

EngineConfig engine_box_config(const EngineBox *box) {
        return (EngineConfig){
                .bus_address = box->fake->address,
                .nspawn = "/usr/bin/systemd-nspawn",
                .init = "/usr/lib/nspawn-units/nspawn-units-init",
                .helper = "/usr/lib/nspawn-units/nspawn-units-helper",
                .runtime_directory = box->root,
                .role = ENGINE_DRIVER,
                .starts_at_once = 2,
                .image_directory = box->fake->directory,
        };
}

void engine_box_open_with(EngineBox *box, const EngineConfig *seams) {
        _cleanup_string_buffer_ StringBuffer path = {};

        *box = (EngineBox){ .machine = own_name_new() };
        box->unit = xasprintf("nspawn-%s.service", box->machine);
        cr_assert_geq(sd_event_new(&box->event), 0);
        box->fake = fake_systemd_new(box->event);
        box->root = xasprintf("%s/run", box->fake->directory);
        box->fake->runtime_directory = xstrdup(box->root);
        /* Enough of an image to boot. */
        string_buffer_append(&path, "%s/sbin", box->fake->directory);
        cr_assert_eq(mkdir(path.text, 0755), 0);
        string_buffer_append(&path, "/init");
        cr_assert_eq(mkdir(path.text, 0755), 0);
        EngineConfig config = engine_box_config(box);
        config.processes = seams ? seams->processes : NULL;
        config.exec_new = seams ? seams->exec_new : NULL;
        box->engine = engine_new(box->event, &config, &engine_box_callbacks, box);
        engine_box_run_until(box, engine_is_connected(box->engine));
}

void engine_box_open(EngineBox *box) {
        engine_box_open_with(box, NULL);
}

void engine_box_close(EngineBox *box) {
        unsigned n_started = box->n_started;

        engine_free(box->engine);
        /* Callbacks may come until the engine is gone, and must not come from there. */
        cr_assert_eq(box->n_started, n_started);
        fake_systemd_free(box->fake);
        sd_event_unref(box->event);
        strv_free(box->events);
        free(box->words);
        free(box->root);
        free(box->unit);
        own_name_free(box->machine);
}

TaskRequest *engine_box_request(const EngineBox *box) {
        TaskRequest *request = task_request_new();
        TaskSpec *spec = &request->spec;

        request->identity.name = xstrdup("test");
        request->identity.machine = xstrdup(box->machine);
        request->identity.slice = xstrdup("nspawn-test.slice");
        request->launch = TASK_LAUNCH_SUPERVISE;
        spec->image = xstrdup(box->fake->directory);
        strv_append(&spec->command, "sleep");
        string_map_set(&spec->environment, "SECRET", "hunter2");
        return request;
}

void engine_box_start(EngineBox *box) {
        _cleanup_error_ Error *error = NULL;
        int r = engine_start(box->engine, "one", engine_box_request(box), &(TaskStreams){ -1, -1 },
                engine_box_on_started, box, &error);

        cr_assert_eq(r, 0, "%s", error_message(error));
        cr_assert_eq(box->n_started, 0, "not from within the call");
}

void engine_box_run(EngineBox *box) {
        engine_box_start(box);
        engine_box_run_until(box, box->n_started > 0);
        cr_assert_not_null(box->task, "%s", box->words);
        cr_assert_eq(task_state(box->task), TASK_RUNNING);
}

FakeUnit *engine_box_unit(EngineBox *box) {
        FakeUnit *unit = fake_unit_find(box->fake, box->unit);

        cr_assert_not_null(unit, "%s is gone", box->unit);
        return unit;
}

void engine_box_settle(EngineBox *box) {
        fake_systemd_settle(box->fake, system_bus_connection(engine_system_bus(box->engine)));
}

size_t engine_box_count(const EngineBox *box, const char *method) {
        return fake_systemd_count(box->fake, method);
}

char *engine_box_arguments(EngineBox *box) {
        _cleanup_free_ char *path = task_dir_unit_file(box->root, box->machine, TASK_ARGUMENTS_FILE);
        char *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, 1 << 20, &text);

        cr_assert_gt(n, 0);
        for (ssize_t i = 0; i < n; i++)
                if (!text[i])
                        text[i] = '\n';
        return text;
}

char *engine_box_make_directory(const EngineBox *box) {
        char *path = task_dir_unit_path(box->root, box->machine);

        own_directory_make(box->root, box->machine);
        cr_assert_eq(mkdir(path, 0700), 0);
        return path;
}

bool engine_box_has_record(const EngineBox *box, const char *id) {
        return id ? record_file_is_of(box->root, box->machine, id, NULL)
                  : record_file_read(box->root, box->machine, NULL, NULL) >= 0;
}

bool engine_box_has_directory(const EngineBox *box) {
        return task_dir_is_live(box->root, box->machine);
}

void engine_box_note(const EngineBox *box, const char *text) {
        own_notes_leave(box->root, box->machine, text);
}

void engine_box_wait_for_end(EngineBox *box) {
        TaskWait *wait = task_wait(box->task, engine_box_on_ended, box);

        engine_box_run_until(box, box->n_ended > 0);
        task_wait_free(wait);
}
