/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/strv.h"
#include "engine/engine.h"
#include "engine/record-file.h"
#include "base/task-dir.h"
#include "unit/task-dir.h"
#include "box/fake-systemd.h"
#include "box/own-name.h"

/* An engine on a fake systemd, and what its callbacks told. */
typedef struct Box {
        sd_event *event;
        FakeSystemd *fake;
        Engine *engine;
        char *root; /* the runtime directory */
        char *machine;
        char *unit;

        unsigned n_connected, n_lost;
        unsigned n_started; /* calls of TaskStarted */
        Task *task;
        int code;
        char *words;
        unsigned n_ended; /* calls of TaskEnded */
        ExitResult result;
        char **events;
} Box;

#define box_run_until(box, condition) RUN_UNTIL((box)->event, condition)

static inline void box_on_connection(void *userdata, const Error *error) {
        Box *box = userdata;

        if (error)
                box->n_lost++;
        else
                box->n_connected++;
}

static inline void box_on_event(
        void *userdata, Task *task _unused_, const char *message, const char *const *annotations) {
        Box *box = userdata;

        cr_assert(annotations && annotations[0]);
        strv_append(&box->events, message);
}

static inline void box_on_started(void *userdata, Task *task, const Error *error) {
        Box *box = userdata;

        cr_assert((task == NULL) != (error == NULL));
        box->n_started++;
        box->task = task;
        box->code = error ? error->code : 0;
        string_replace(&box->words, error ? error->message : NULL);
}

static inline void box_on_ended(void *userdata, const ExitResult *result) {
        Box *box = userdata;

        box->n_ended++;
        box->result = *result;
}

static inline EngineConfig box_config(const Box *box) {
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

/*
 * With a connection, unless the test wants none.
 * @seams: its processes and exec_new are the engine's; NULL for those of the host
 */
static inline void box_open_with(Box *box, const EngineConfig *seams) {
        static const EngineCallbacks callbacks = { box_on_connection, box_on_event };

        _cleanup_string_buffer_ StringBuffer path = {};

        *box = (Box){ .machine = own_name_new() };
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
        EngineConfig config = box_config(box);
        config.processes = seams ? seams->processes : NULL;
        config.exec_new = seams ? seams->exec_new : NULL;
        box->engine = engine_new(box->event, &config, &callbacks, box);
        box_run_until(box, engine_is_connected(box->engine));
}

static inline void box_open(Box *box) {
        box_open_with(box, NULL);
}

/* Callbacks may still come until the engine is gone: they must not. */
static inline void box_close(Box *box) {
        unsigned n_started = box->n_started;

        engine_free(box->engine);
        cr_assert_eq(box->n_started, n_started);
        fake_systemd_free(box->fake);
        sd_event_unref(box->event);
        strv_free(box->events);
        free(box->words);
        free(box->root);
        free(box->unit);
        own_name_free(box->machine);
}
#define _cleanup_box_ _cleanup_(box_close)

static inline TaskRequest *box_request(const Box *box) {
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

static inline void box_start(Box *box) {
        _cleanup_error_ Error *error = NULL;
        int r = engine_start(
                box->engine, "one", box_request(box), &(TaskStreams){ -1, -1 }, box_on_started, box, &error);

        cr_assert_eq(r, 0, "%s", error_message(error));
        cr_assert_eq(box->n_started, 0, "not from within the call");
}

/* A task that runs. */
static inline void box_run(Box *box) {
        box_start(box);
        box_run_until(box, box->n_started > 0);
        cr_assert_not_null(box->task, "%s", box->words);
        cr_assert_eq(task_state(box->task), TASK_RUNNING);
}

static inline FakeUnit *box_unit(Box *box) {
        FakeUnit *unit = fake_unit_find(box->fake, box->unit);

        cr_assert_not_null(unit, "%s is gone", box->unit);
        return unit;
}

static inline void box_settle(Box *box) {
        fake_systemd_settle(box->fake, system_bus_connection(engine_system_bus(box->engine)));
}

static inline size_t box_count(const Box *box, const char *method) {
        return fake_systemd_count(box->fake, method);
}

/* Return: what the unit's first program becomes, a word in each line; owned by the caller. */
static inline char *box_arguments(Box *box) {
        _cleanup_free_ char *path = task_dir_unit_file(box->root, box->machine, TASK_ARGUMENTS_FILE);
        char *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, 1 << 20, &text);

        cr_assert_gt(n, 0);
        for (ssize_t i = 0; i < n; i++)
                if (!text[i])
                        text[i] = '\n';
        return text;
}

/* Makes the directory of a unit that is there already, or was. Return: its path, owned by the caller. */
static inline char *box_make_directory(const Box *box) {
        char *path = task_dir_unit_path(box->root, box->machine);

        own_directory_make(box->root, box->machine);
        cr_assert_eq(mkdir(path, 0700), 0);
        return path;
}

/* Return: whether there is a record, of this task if @id is given. */
static inline bool box_has_record(const Box *box, const char *id) {
        return id ? record_file_is_of(box->root, box->machine, id, NULL)
                  : record_file_read(box->root, box->machine, NULL, NULL) >= 0;
}

static inline bool box_has_directory(const Box *box) {
        return task_dir_is_live(box->root, box->machine);
}

/* As nspawn-units-helper writes it. */
static inline void box_note(const Box *box, const char *text) {
        own_notes_leave(box->root, box->machine, text);
}

static inline void box_wait_for_end(Box *box) {
        TaskWait *wait = task_wait(box->task, box_on_ended, box);

        box_run_until(box, box->n_ended > 0);
        task_wait_free(wait);
}
