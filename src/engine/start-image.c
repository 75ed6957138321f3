/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "engine/phase.h"
#include "engine/task.h"
#include "image/local.h"

/* IMAGE: finds the image. */

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

        if (image_check(start->request, &start->root, &error) < 0)
                return start_fail(start, error->code, "%s", error_message(error));

        task_watch(task);
        tell_start(start);
        start->interrupted = task->engine->role == ENGINE_DRIVER &&
                record_file_is_of(task->engine->runtime_directory, task->record.machine, task->id, NULL);
        return start->interrupted ? START_LOOK : START_QUEUE;
}

static void on_image(void *userdata, Root *root, const Error *error) {
        Start *start = userdata;

        if (root) {
                root_clear(&start->root);
                start->root = *root;
                start->advance(start, image_is_known(start));
        } else
                start->advance(start, start_fail(start, error->code, "%s", error_message(error)));
}

static StartPhase image_begin(Start *start) {
        const Engine *engine = start->task->engine;

        start->search = image_search_free(start->search);
        int r = image_search_new(engine->system_bus, start->request->spec.image, engine->image_directory,
                on_image, start, &start->search, &start->error);
        return r < 0 ? START_FAILED : START_IMAGE;
}

const StartStep start_image = {
        .begin = image_begin,
        .stop = START_STOP_CANCELS,
        .again = true,
};
