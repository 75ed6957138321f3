/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>

#include "base/string.h"
#include "bus/error.h"
#include "cli/verb.h"
#include "engine/record-file.h"
#include "engine/owner.h"
#include "task/name.h"
#include "task/nomad-id.h"

#define ROW "%-40s %-22s %-8s %s\n"

/* Return: the word for a task's owner: "-" for a task that nspawnctl started. */
static const char *owner_of(const char *machine) {
        static const char *const words[] = {
                [OWNER_UNKNOWN] = "unknown",
                [OWNER_THERE] = "nomad",
                [OWNER_LOST] = "nobody",
        };
        _cleanup_task_record_ TaskRecord record = {};
        int r = record_file_read(NULL, machine, &record, NULL);

        if (r == -ENOENT)
                return "-";
        /* A record without an owner is nspawnctl's, unless it has a Nomad id: older drivers noted none. */
        if (r >= 0 && !record.owner && !(record.id && nomad_id_is_valid(record.id)))
                return "-";
        return words[r < 0 ? OWNER_UNKNOWN : owner_look(record.owner)];
}

static int on_units(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        const sd_bus_error *error = sd_bus_message_get_error(m);
        const char *name, *description, *active, *sub;
        App *app = userdata;

        if (error || sd_bus_message_enter_container(m, 'a', "(ssssssouso)") < 0) {
                (void) app_fail(app, "systemd does not list its units: %s",
                        error ? bus_error_text(error) : "its answer has another form");
                return 0;
        }

        (void) printf(ROW, "TASK", "STATE", "OWNER", "DESCRIPTION");
        int r;
        while ((r = sd_bus_message_read(m, "(ssssssouso)", &name, &description, NULL, &active, &sub, NULL,
                        NULL, NULL, NULL, NULL)) > 0) {
                _cleanup_free_ char *machine = unit_name_to_machine(name);
                _cleanup_free_ char *state = xasprintf("%s (%s)", active, sub);

                if (machine)
                        (void) printf(ROW, machine, state, owner_of(machine), description);
        }
        if (r < 0)
                (void) app_fail(app, "the list of systemd's units is not complete: %s", strerror(-r));
        else
                app_exit(app, EXIT_SUCCESS);
        return 0;
}

static void list_units(void *userdata, App *app) {
        sd_bus_slot **slot = userdata;
        int r = sd_bus_call_method_async(system_bus_connection(app->system_bus), slot, SYSTEMD_DESTINATION,
                SYSTEMD_PATH, SYSTEMD_MANAGER, "ListUnitsByPatterns", on_units, app, "asas", 0, 1,
                UNIT_NAME_PATTERN);

        if (r < 0)
                (void) app_fail(app, "cannot ask systemd for its units: %s", strerror(-r));
}

int ps_main(App *app, const VerbArguments *arguments _unused_) {
        sd_bus_slot *slot = NULL;
        int status = app_run_bus(app, list_units, &slot);

        sd_bus_slot_unref(slot);
        return status;
}
