/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "engine/phase.h"
#include "engine/task.h"
#include "image/local.h"

/* IMAGE: a name is asked of machined; a path is known, and the phase ends in the next turn of the loop. */

static void tell_start(const Start *start) {
        const char *path = start->root.path;
        const char *unit = start->task->record.unit;
        _cleanup_free_ char *message = xasprintf(
                "Starting from %s%s", start->request->spec.ephemeral ? "a copy of " : "", path);

        task_event(start->task, message, (const char *const[]){ "unit", unit, "image", path, NULL });
        if (task_request_boots_with_arguments(start->request))
                task_event(
                        start->task, TASK_BOOTS_WITH_ARGUMENTS, (const char *const[]){ "unit", unit, NULL });
}

static StartPhase image_is_known(Start *start) {
        Task *task = start->task;
        _cleanup_error_ Error *error = NULL;

        (void) image_check_command(start->request, &start->root, &error);
        (void) image_check_mounts(&start->request->spec, &start->root, &error);
        if (error)
                return start_fail(start, error->code, "%s", error_message(error));

        task_watch(task);
        tell_start(start);
        start->interrupted = task->engine->role == ENGINE_DRIVER &&
                record_file_is_of(task->engine->runtime_directory, task->record.machine, task->id, NULL);
        return start->interrupted ? START_LOOK : START_QUEUE;
}

static void on_image(void *userdata, const char *path, const char *type, const Error *error) {
        Start *start = userdata;

        if (path) {
                image_from_machined(path, type, &start->root);
                start->advance(start, image_is_known(start));
                return;
        }

        /* Where machined could not be asked, nothing is known of the image. */
        if (error && error->code != ENOENT) {
                start->advance(start, start_fail(start, error->code, "%s", error_message(error)));
                return;
        }
        start->advance(start,
                start_fail(start, ENOENT,
                        "image: \"%s\" is neither a path below %s nor an image that systemd-machined "
                        "knows%s%s",
                        start->request->spec.image, start->task->engine->image_directory, error ? ": " : "",
                        error ? error_message(error) : ""));
}

static int on_image_path(sd_event_source *source _unused_, void *userdata) {
        Start *start = userdata;

        start->advance(start, image_is_known(start));
        return 0;
}

static StartPhase image_begin(Start *start) {
        const Engine *engine = start->task->engine;
        int r = 0;

        /* What was asked over a connection that is lost may never be answered. */
        start->query = image_query_free(start->query);
        start->timer = sd_event_source_disable_unref(start->timer);
        if (start->root.path)
                r = sd_event_add_defer(engine->event, &start->timer, on_image_path, start);
        else
                r = image_query_new(
                        engine->system_bus, start->request->spec.image, on_image, start, &start->query);
        return r < 0 ? start_fail(start, r, "cannot begin to start the task: %s", strerror(-r))
                     : START_IMAGE;
}

const StartStep start_image = {
        .begin = image_begin,
        .stop = START_STOP_CANCELS,
        .again = true,
};
