/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/string.h"
#include "cli/app.h"
#include "cli/target.h"

int app_init(App *app) {
        *app = (App){};
        return sd_event_default(&app->event);
}

void app_clear(App *app) {
        if (app->engine)
                engine_free(app->engine);
        else
                system_bus_free(app->system_bus);
        task_record_clear(&app->task_record);
        sd_event_unref(app->event);
        *app = (App){};
}

static void print_message(const char *format, va_list ap) {
        _cleanup_free_ char *message = xvasprintf(format, ap);

        (void) fprintf(stderr, "nspawnctl: %s\n", message);
}

void app_print(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        print_message(format, ap);
        va_end(ap);
}

void app_exit(App *app, int status) {
        (void) sd_event_exit(app->event, status);
}

int app_fail(App *app, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        print_message(format, ap);
        va_end(ap);
        app_exit(app, EXIT_OWN_FAILURE);
        return EXIT_OWN_FAILURE;
}

static int app_loop(App *app) {
        int r = sd_event_loop(app->event);

        return r < 0 ? app_fail(app, "the event loop failed: %s", strerror(-r)) : r;
}

static void app_become_ready(App *app) {
        if (app->is_ready)
                return;
        app->is_ready = true;
        app->ready(app->userdata, app);
}

/* ---- the connection alone ---- */

static void on_bus_changed(void *userdata, const Error *error) {
        App *app = userdata;

        if (error)
                (void) app_fail(app, "%s", error_message(error));
        else
                app_become_ready(app);
}

int app_run_bus(App *app, AppReady ready, void *userdata) {
        app->ready = ready;
        app->userdata = userdata;
        app->system_bus = system_bus_new(app->event, app->engine_config.bus_address, on_bus_changed, app);
        return app_loop(app);
}

/* ---- an engine ---- */

static void on_connection(void *userdata, const Error *error) {
        App *app = userdata;

        if (!error)
                app_become_ready(app);
        else if (!app->is_ready || app->loss_is_fatal)
                (void) app_fail(app, "%s", error_message(error));
}

int app_run_engine(App *app, EngineRole role, const char *image_directory, AppReady ready, void *userdata) {
        static const EngineCallbacks callbacks = { .on_connection = on_connection };
        EngineConfig config = app->engine_config;

        config.role = role;
        config.image_directory = image_directory;
        app->ready = ready;
        app->userdata = userdata;
        app->engine = engine_new(app->event, &config, &callbacks, app);
        app->system_bus = engine_system_bus(app->engine);
        return app_loop(app);
}

/* ---- another process's task ---- */

/* The engine also finds a task that has ended, while its result is noted, and a task between two of its
 * runs. Neither has a process. */
static void on_found(void *userdata, Task *task, const Error *error) {
        App *app = userdata;

        if (task && task_leader(task) > 0)
                app->task_ready(app->userdata, app, task);
        else if (error && error->code != ESRCH)
                (void) app_fail(app, "%s", error_message(error));
        else if (task || app->task_known)
                (void) app_fail(app, "the task \"%s\" does not run", app->task_name);
        else
                (void) app_fail(app, "there is no task \"%s\"", app->task_name);
}

static void recover_task(void *userdata _unused_, App *app) {
        _cleanup_error_ Error *error = NULL;
        const TaskRecord *record = &app->task_record;

        if (engine_recover(app->engine, record->id, record, on_found, app, &error) < 0)
                (void) app_fail(app, "%s", error_message(error));
}

int app_run_task(App *app, const char *name, AppTaskReady ready, void *userdata) {
        _cleanup_error_ Error *error = NULL;

        if (target_find(name, &app->task_record, &app->task_known, &error) < 0)
                return app_fail(app, "%s", error_message(error));
        app->task_name = name;
        app->task_ready = ready;
        return app_run_engine(app, ENGINE_VISITOR, "/", recover_task, userdata);
}

/* ---- signals ---- */

int app_on_signal(App *app, int signal, sd_event_signal_handler_t handler, void *userdata) {
        sigset_t mask;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, signal);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;

        int r = sd_event_add_signal(app->event, NULL, signal, handler, userdata);
        return r < 0 ? r : 0;
}

static bool is_ignored(int signal) {
        struct sigaction action;

        return sigaction(signal, NULL, &action) >= 0 && action.sa_handler == SIG_IGN;
}

int app_on_stop_signals(App *app, sd_event_signal_handler_t handler, void *userdata) {
        int r = app_on_signal(app, SIGINT, handler, userdata);

        if (r >= 0)
                r = app_on_signal(app, SIGTERM, handler, userdata);
        if (r >= 0 && !is_ignored(SIGHUP))
                r = app_on_signal(app, SIGHUP, handler, userdata);
        return r;
}
