/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <unistd.h>

#include "base/string.h"
#include "cli/outlet.h"
#include "cli/verb.h"
#include "cli/yaml-task.h"
#include "engine/engine.h"
#include "unit/host.h"

/* How long a task may take to end after the first Ctrl-C. A second Ctrl-C kills it at once. */
#define STOP_USEC (10 * USEC_PER_SEC)

typedef struct Run {
        App *app;
        TaskRequest *request; /* until the start */
        bool detach;
        Outlet *outlet; /* NULL with detach */
        bool over;      /* the task ended, or was not started: */
        int status;     /* to exit with then */
        Task *task;     /* NULL while it starts */
        TaskWait *wait;
        bool stopping; /* there was a signal already */
} Run;

static void on_ended(void *userdata, const ExitResult *result) {
        Run *run = userdata;

        if (!result->known)
                app_print("the exit status of the task is not known");
        run->status = result->known ? result->code : EXIT_OWN_FAILURE;
        task_forget(run->task);
        run->task = NULL;
        run->over = true;
        outlet_finish(run->outlet);
}

static void on_output_done(void *userdata) {
        const Run *run = userdata;
        bool lost = run->status == EXIT_SUCCESS && outlet_has_lost(run->outlet);

        app_exit(run->app, lost ? EXIT_OWN_FAILURE : run->status);
}

static void on_started(void *userdata, Task *task, const Error *error) {
        Run *run = userdata;

        if (!task) {
                app_print("%s", error_message(error));
                run->status = EXIT_OWN_FAILURE;
                run->over = true;
                /* What it wrote before may explain the failure. */
                if (run->outlet)
                        outlet_finish(run->outlet);
                else
                        app_exit(run->app, run->status);
                return;
        }

        if (run->detach) {
                (void) puts(task_record(task)->unit);
                app_exit(run->app, EXIT_SUCCESS);
                return;
        }

        run->task = task;
        run->wait = task_wait(task, on_ended, run);
}

static void start_task(void *userdata, App *app) {
        TaskStreams streams = { -1, -1 };
        _cleanup_error_ Error *error = NULL;
        Run *run = userdata;
        int r = run->detach ? 0 : outlet_new(app, on_output_done, run, &run->outlet, &error);

        if (r >= 0) {
                TaskRequest *request = TAKE_PTR(run->request);

                if (run->outlet)
                        streams = outlet_streams(run->outlet);
                r = engine_start(
                        app->engine, request->identity.name, request, &streams, on_started, run, &error);
        }
        if (run->outlet)
                outlet_close_streams(run->outlet);
        if (r < 0)
                (void) app_fail(app, "%s", error_message(error));
}

static int on_signal(
        sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_, void *userdata) {
        Run *run = userdata;
        Task *task = engine_first(run->app->engine);

        if (task)
                task_stop(task, 0, run->stopping ? 0 : STOP_USEC);
        else
                app_exit(run->app, run->over ? run->status : EXIT_OWN_FAILURE);
        run->stopping = true;
        return 0;
}

static void run_clear(Run *run) {
        task_wait_free(run->wait);
        outlet_free(run->outlet);
        task_request_free(run->request);
}

int run_main(App *app, const VerbArguments *arguments) {
        const char *path = arguments->operands[0];
        _cleanup_free_ char *directory = yaml_task_directory(path);
        _cleanup_error_ Error *error = NULL;
        _cleanup_(run_clear) Run run = { .app = app, .detach = verb_has(arguments, 'd') };
        HostFacts facts;

        if (yaml_task_load(path, &run.request, &error) < 0)
                return app_fail(app, "%s", error_message(error));

        if (task_request_boots_with_arguments(run.request))
                app_print(TASK_BOOTS_WITH_ARGUMENTS);

        host_facts_probe(&facts);
        if (host_facts_check(&facts, &error) < 0)
                return app_fail(app, "%s", error_message(error));

        int r = app_on_stop_signals(app, on_signal, &run);
        if (r < 0)
                return app_fail(app, "cannot watch signals: %s", strerror(-r));
        return app_run_engine(app, run.detach ? ENGINE_DETACH : ENGINE_RUN, directory, start_task, &run);
}
