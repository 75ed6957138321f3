/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>

#include "base/string.h"
#include "cli/verb.h"
#include "cli/yaml-task.h"
#include "engine/describe.h"

typedef struct Inspection {
        App *app;
        TaskRequest *request;
        Description *description;
} Inspection;

static void on_described(void *userdata, const char *text, const Error *error) {
        const Inspection *inspection = userdata;

        if (!text)
                (void) app_fail(inspection->app, "%s", error_message(error));
        else if (fputs(text, stdout) < 0 || fflush(stdout) != 0)
                (void) app_fail(inspection->app, "cannot write the unit: %s", strerror(errno));
        else
                app_exit(inspection->app, EXIT_SUCCESS);
}

static void describe(void *userdata, App *app) {
        _cleanup_error_ Error *error = NULL;
        Inspection *inspection = userdata;

        if (description_new(app->engine, inspection->request, on_described, inspection,
                    &inspection->description, &error) < 0)
                (void) app_fail(app, "%s", error_message(error));
}

static void inspection_clear(Inspection *inspection) {
        description_free(inspection->description);
        task_request_free(inspection->request);
}

int inspect_main(App *app, const VerbArguments *arguments) {
        const char *path = arguments->operands[0];
        _cleanup_free_ char *directory = yaml_task_directory(path);
        _cleanup_(inspection_clear) Inspection inspection = { .app = app };
        _cleanup_error_ Error *error = NULL;

        if (!verb_has(arguments, 'U')) {
                app_print("inspect: --unit is missing: nothing else can be shown yet");
                return EXIT_USAGE;
        }
        if (yaml_task_load(path, &inspection.request, &error) < 0)
                return app_fail(app, "%s", error_message(error));
        app->loss_is_fatal = true;
        return app_run_engine(app, ENGINE_DETACH, directory, describe, &inspection);
}
