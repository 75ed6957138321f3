/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "base/string.h"
#include "bus/error.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/target.h"
#include "engine/record-file.h"
#include "engine/owner.h"
#include "bus/job.h"
#include "bus/thaw.h"
#include "task/name.h"
#include "unit/task-dir.h"

typedef struct Stop Stop;

/* One of the units. */
typedef struct StopUnit {
        Stop *stop;
        char *name;
        Thaw *thaw;
        Job *job;
} StopUnit;

struct Stop {
        SystemBus *system_bus;
        StopUnit *units;
        size_t n_units;
        size_t n_open;
        int status;
};

/* @words: what went wrong, or NULL. */
static void unit_done(StopUnit *unit, const char *words) {
        Stop *stop = unit->stop;

        if (words)
                stop->status = command_fail("%s", words);
        if (--stop->n_open == 0)
                (void) sd_event_exit(system_bus_event(stop->system_bus), stop->status);
}

/* A living owner reads in the notes how its task ended; where the owner is lost nobody ever will. */
static void remove_lost_record(const char *unit) {
        _cleanup_free_ char *machine = unit_name_to_machine(unit);
        _cleanup_task_record_ TaskRecord record = {};

        if (machine && record_file_read(NULL, machine, &record, NULL) >= 0 &&
                owner_look(record.owner) == OWNER_LOST)
                task_dir_remove_record(NULL, machine);
}

static void on_done(void *userdata, const char *result, const sd_bus_error *error) {
        bool good = result && streq(result, "done");
        StopUnit *unit = userdata;

        if (good)
                remove_lost_record(unit->name);
        unit_done(unit, good ? NULL : error ? bus_error_text(error) : result);
}

static void on_thawed(void *userdata, const Error *frozen) {
        StopUnit *unit = userdata;
        SystemBus *system_bus = unit->stop->system_bus;
        _cleanup_error_ Error *error = NULL;
        sd_bus_message *m = NULL;
        int r;

        unit->thaw = thaw_free(unit->thaw);
        if (frozen) {
                unit_done(unit, error_message(frozen));
                return;
        }

        r = system_bus_new_call(system_bus, "StopUnit", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", unit->name, "replace");
        if (r >= 0)
                unit->job = job_new(system_bus, m, on_done, unit, &error);
        sd_bus_message_unref(m);
        if (!unit->job)
                unit_done(unit, error ? error_message(error) : strerror(-r));
}

static void begin(SystemBus *system_bus, void *userdata) {
        Stop *stop = userdata;

        stop->system_bus = system_bus;
        stop->n_open = stop->n_units;
        for (size_t i = 0; i < stop->n_units; i++) {
                StopUnit *unit = &stop->units[i];
                int r = thaw_new(system_bus, unit->name, on_thawed, unit, &unit->thaw);

                if (r < 0)
                        unit_done(unit, strerror(-r));
        }
}

int command_stop(int argc, char **argv) {
        Stop stop = { .status = EXIT_SUCCESS };

        if (argc == 0 || *argv[0] == '-')
                return (void) fprintf(stderr, "usage: nspawnctl stop NAME...\n"), EXIT_USAGE;

        stop.n_units = (size_t) argc;
        stop.units = xcalloc(stop.n_units, sizeof(*stop.units));
        for (size_t i = 0; i < stop.n_units; i++)
                stop.units[i] = (StopUnit){ .stop = &stop, .name = target_unit(argv[i]) };

        int status = ask_systemd(begin, &stop);
        for (size_t i = 0; i < stop.n_units; i++) {
                job_free(stop.units[i].job);
                free(stop.units[i].name);
        }
        free(stop.units);
        return status;
}
