/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "base/string.h"
#include "base/strv.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/target.h"
#include "systemd/job.h"

typedef struct Stop {
        Manager *manager;
        char **units;
        Job **jobs;
        size_t n_open;
        int status;
} Stop;

static void stop_one_done(Stop *stop) {
        if (--stop->n_open == 0)
                (void) sd_event_exit(manager_event(stop->manager), stop->status);
}

static void on_done(void *userdata, const char *result, const sd_bus_error *error) {
        Stop *stop = userdata;

        if (!result || !streq(result, "done"))
                stop->status = command_fail("%s", error ? error->message : result);
        stop_one_done(stop);
}

static void begin(Manager *manager, void *userdata) {
        Stop *stop = userdata;

        stop->manager = manager;
        stop->n_open = strv_length(stop->units);
        for (size_t i = 0; stop->units[i]; i++) {
                _cleanup_error_ Error *error = NULL;
                sd_bus_message *m = NULL;
                int r = manager_new_call(manager, "StopUnit", &m);

                if (r >= 0)
                        r = sd_bus_message_append(m, "ss", stop->units[i], "replace");
                if (r >= 0)
                        stop->jobs[i] = job_new(manager, m, on_done, stop, &error);
                sd_bus_message_unref(m);
                if (!stop->jobs[i]) {
                        stop->status = command_fail("%s", error ? error_message(error) : strerror(-r));
                        stop_one_done(stop);
                }
        }
}

int command_stop(int argc, char **argv) {
        Stop stop = { .status = EXIT_SUCCESS };

        if (argc == 0 || *argv[0] == '-')
                return (void) fprintf(stderr, "usage: nspawnctl stop NAME...\n"), EXIT_USAGE;

        for (int i = 0; i < argc; i++)
                strv_consume(&stop.units, target_unit(argv[i]));
        stop.jobs = xnew(Job *, (size_t) argc);

        int status = ask_systemd(begin, &stop);
        free(stop.jobs);
        strv_free(stop.units);
        return status;
}
