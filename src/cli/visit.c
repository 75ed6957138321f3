/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <unistd.h>

#include "base/string.h"
#include "cli/command.h"
#include "cli/target.h"
#include "cli/visit.h"

typedef struct Visit {
        sd_event *event;
        Engine *engine;
        const char *name;
        TaskRecord record;
        bool known; /* to have been there */
        bool asked;
        VisitBegin begin;
        void *userdata;
} Visit;

static void on_found(void *userdata, Task *task, const Error *error) {
        Visit *visit = userdata;

        /* One that ended is found too, when it was noted how; between two runs there is nobody to reach. */
        if (task && task_leader(task) > 0)
                visit->begin(visit->userdata, visit->engine, task);
        else if (error && error->code != ESRCH)
                (void) sd_event_exit(visit->event, command_fail("%s", error_message(error)));
        else
                (void) sd_event_exit(visit->event,
                        command_fail(task || visit->known ? "the task \"%s\" does not run"
                                                          : "there is no task \"%s\"",
                                visit->name));
}

static void on_connection(void *userdata, const Error *error) {
        _cleanup_error_ Error *failure = NULL;
        Visit *visit = userdata;

        if (visit->asked)
                return;
        visit->asked = true;

        if (!error &&
                engine_recover(visit->engine, visit->record.id, &visit->record, on_found, visit, &failure) >=
                        0)
                return;
        (void) sd_event_exit(visit->event, command_fail("%s", error_message(error ? error : failure)));
}

static const EngineCallbacks callbacks = { .on_connection = on_connection };

int visit_task(const char *name, VisitBegin begin, void *userdata) {
        const EngineConfig config = { .image_directory = "/", .role = ENGINE_VISITOR };
        Visit visit = { .name = name, .begin = begin, .userdata = userdata };
        _cleanup_error_ Error *error = NULL;
        int r;

        /* Namespaces, control groups and what is noted of tasks are root's. */
        if (geteuid() != 0)
                return command_fail("only root can reach into tasks");
        if (target_find(name, &visit.record, &visit.known, &error) < 0)
                return command_fail("%s", error_message(error));

        r = sd_event_default(&visit.event);
        if (r >= 0) {
                visit.engine = engine_new(visit.event, &config, &callbacks, &visit);
                r = sd_event_loop(visit.event);
        }

        engine_free(visit.engine);
        task_record_clear(&visit.record);
        sd_event_unref(visit.event);
        return r < 0 ? command_fail("the event loop failed: %s", strerror(-r)) : r;
}
