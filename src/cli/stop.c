/* SPDX-License-Identifier: Apache-2.0 */

#include "base/hold.h"
#include "base/string.h"
#include "bus/error.h"
#include "bus/job.h"
#include "bus/thaw.h"
#include "cli/target.h"
#include "cli/verb.h"
#include "engine/owner.h"
#include "engine/record-file.h"
#include "task/name.h"
#include "unit/task-dir.h"

typedef struct Stop Stop;

/* The stop of one unit: it is thawed first (bus/thaw.h), then a job stops it. */
typedef struct StopUnit {
        Stop *stop;
        char *name;
        Thaw *thaw;
        Job *job;
} StopUnit;

struct Stop {
        App *app;
        StopUnit *units;
        size_t n_units;
        size_t n_open; /* units whose stop has not ended yet */
        int status;
};

/* @message: why the unit was not stopped; NULL when it was. */
static void stop_unit_end(StopUnit *unit, const char *message) {
        Stop *stop = unit->stop;

        if (message) {
                app_print("%s", message);
                stop->status = EXIT_OWN_FAILURE;
        }
        if (--stop->n_open == 0)
                app_exit(stop->app, stop->status);
}

/* Removes what a task of a lost owner leaves. Other owners still read the task's result in its notes. */
static void remove_lost_record(const char *unit) {
        _cleanup_free_ char *machine = unit_name_to_machine(unit);
        _cleanup_task_record_ TaskRecord record = {};

        if (!machine || record_file_read(NULL, machine, &record, NULL) < 0 ||
                owner_look(record.owner) != OWNER_LOST)
                return;

        task_dir_release_holds(NULL, machine, HOLDS_ALL);
        task_dir_remove_record(NULL, machine);
        /* systemd removes the unit's directory only after the end of the job. It would leave the task's own
         * directory, empty. */
        task_dir_remove_unit(NULL, machine);
}

static void on_job_done(void *userdata, const char *result, const sd_bus_error *error) {
        bool good = result && streq(result, "done");
        StopUnit *unit = userdata;

        if (good)
                remove_lost_record(unit->name);
        stop_unit_end(unit, good ? NULL : error ? bus_error_text(error) : result);
        unit->job = job_free(unit->job);
}

static void on_thawed(void *userdata, const Error *frozen) {
        StopUnit *unit = userdata;
        SystemBus *system_bus = unit->stop->app->system_bus;
        _cleanup_error_ Error *error = NULL;
        sd_bus_message *m = NULL;
        int r;

        if (frozen) {
                stop_unit_end(unit, error_message(frozen));
                unit->thaw = thaw_free(unit->thaw);
                return;
        }

        unit->thaw = thaw_free(unit->thaw);
        r = system_bus_new_call(system_bus, "StopUnit", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", unit->name, "replace");
        if (r >= 0)
                unit->job = job_new(system_bus, m, on_job_done, unit, &error);
        sd_bus_message_unref(m);
        if (!unit->job)
                stop_unit_end(unit, error ? error_message(error) : strerror(-r));
}

static void stop_units(void *userdata, App *app) {
        Stop *stop = userdata;

        for (size_t i = 0; i < stop->n_units; i++) {
                StopUnit *unit = &stop->units[i];
                int r = thaw_new(app->system_bus, unit->name, on_thawed, unit, &unit->thaw);

                if (r < 0)
                        stop_unit_end(unit, strerror(-r));
        }
}

static void stop_clear(Stop *stop) {
        for (size_t i = 0; i < stop->n_units; i++) {
                thaw_free(stop->units[i].thaw);
                job_free(stop->units[i].job);
                free(stop->units[i].name);
        }
        free(stop->units);
}

int stop_main(App *app, const VerbArguments *arguments) {
        _cleanup_(stop_clear) Stop stop = {
                .app = app,
                .units = xcalloc(arguments->n_operands, sizeof(*stop.units)),
                .n_units = arguments->n_operands,
                .n_open = arguments->n_operands,
                .status = EXIT_SUCCESS,
        };

        for (size_t i = 0; i < stop.n_units; i++)
                stop.units[i] = (StopUnit){ .stop = &stop, .name = target_unit(arguments->operands[i]) };
        return app_run_bus(app, stop_units, &stop);
}
