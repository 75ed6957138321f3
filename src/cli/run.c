/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <unistd.h>

#include "base/string.h"
#include "cli/command.h"
#include "cli/signals.h"
#include "cli/yaml-task.h"
#include "engine/engine.h"
#include "unit/host.h"

/* How long a task may take to end after Ctrl-C; a second one ends it at once. */
#define STOP_USEC (10 * USEC_PER_SEC)

typedef struct Run {
        sd_event *event;
        Engine *engine;
        TaskRequest *request;
        bool detach;
        bool begun;
        Task *task; /* once it runs */
        TaskWait *wait;
        bool stopping;
} Run;

static void on_ended(void *userdata, const ExitResult *result) {
        Run *run = userdata;
        int code = result->code;

        if (!result->known)
                code = command_fail("the exit status of the task is not known");
        task_forget(run->task);
        run->task = NULL;
        (void) sd_event_exit(run->event, code);
}

static void on_started(void *userdata, Task *task, const Error *error) {
        Run *run = userdata;

        if (!task) {
                (void) sd_event_exit(run->event, command_fail("%s", error_message(error)));
                return;
        }

        if (run->detach) {
                (void) puts(task_record(task)->unit);
                (void) sd_event_exit(run->event, EXIT_SUCCESS);
                return;
        }

        run->task = task;
        run->wait = task_wait(task, on_ended, run);
}

static void on_connection(void *userdata, const Error *error) {
        _cleanup_error_ Error *failure = NULL;
        Run *run = userdata;
        TaskStreams streams = { STDOUT_FILENO, STDERR_FILENO };

        if (run->begun)
                return;
        run->begun = true;

        if (error) {
                (void) sd_event_exit(run->event, command_fail("%s", error_message(error)));
                return;
        }

        if (run->detach)
                streams = (TaskStreams){ -1, -1 };
        TaskRequest *request = TAKE_PTR(run->request);
        const char *name = request->identity.name;
        if (engine_start(run->engine, name, request, &streams, on_started, run, &failure) < 0)
                (void) sd_event_exit(run->event, command_fail("%s", error_message(failure)));
}

static const EngineCallbacks callbacks = { .on_connection = on_connection };

static int on_signal(
        sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_, void *userdata) {
        Run *run = userdata;
        Task *task = engine_first(run->engine);

        if (task)
                task_stop(task, 0, run->stopping ? 0 : STOP_USEC);
        else
                (void) sd_event_exit(run->event, EXIT_OWN_FAILURE);
        run->stopping = true;
        return 0;
}

static char *directory_of(const char *path) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *directory = slash ? xstrndup(path, (size_t) (slash - path) + (slash == path))
                                               : xstrdup(".");
        char *absolute = realpath(directory, NULL);

        return absolute ? absolute : xstrdup("/");
}

static int run_file(const char *path, bool detach) {
        _cleanup_free_ char *directory = directory_of(path);
        _cleanup_error_ Error *error = NULL;
        Run run = { .detach = detach };
        HostFacts facts;
        int r;

        if (yaml_task_load(path, &run.request, &error) < 0)
                return command_fail("%s", error_message(error));

        if (task_request_boots_with_arguments(run.request))
                (void) fprintf(stderr, "nspawnctl: " TASK_BOOTS_WITH_ARGUMENTS "\n");

        host_facts_probe(&facts);
        if (host_facts_check(&facts, &error) < 0) {
                task_request_free(run.request);
                return command_fail("%s", error_message(error));
        }

        r = sd_event_default(&run.event);
        if (r >= 0)
                r = signals_take_orders(run.event, on_signal, &run);
        if (r >= 0) {
                run.engine = engine_new(run.event,
                        &(EngineConfig){
                                .image_directory = directory, .role = detach ? ENGINE_DETACH : ENGINE_RUN },
                        &callbacks, &run);
                r = sd_event_loop(run.event);
        }

        task_wait_free(run.wait);
        engine_free(run.engine);
        task_request_free(run.request);
        sd_event_unref(run.event);
        return r < 0 ? command_fail("the event loop failed: %s", strerror(-r)) : r;
}

int command_run(int argc, char **argv) {
        bool detach = false;
        const char *path = NULL;

        for (int i = 0; i < argc; i++) {
                if (streq(argv[i], "--detach") || streq(argv[i], "-d"))
                        detach = true;
                else if (*argv[i] == '-' || path)
                        return (void) fprintf(stderr, "usage: nspawnctl run [--detach] FILE.yaml\n"),
                               EXIT_USAGE;
                else
                        path = argv[i];
        }

        if (!path)
                return (void) fprintf(stderr, "usage: nspawnctl run [--detach] FILE.yaml\n"), EXIT_USAGE;
        return run_file(path, detach);
}
