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

#define ROW_FORMAT "%-*s  %-*s  %-7s  %s\n"

/* Widths of the columns whose texts differ much in length. */
typedef struct Widths {
        int task;
        int state;
} Widths;

static int int_max(int a, int b) {
        return a > b ? a : b;
}

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

/* Return: 1 when there was a unit, 0 after the last one, or a negative errno. */
static int read_unit(sd_bus_message *m, char **ret_machine, char **ret_state, const char **ret_description) {
        const char *name, *active, *sub;
        int r = sd_bus_message_read(m, "(ssssssouso)", &name, ret_description, NULL, &active, &sub, NULL,
                NULL, NULL, NULL, NULL);

        if (r <= 0)
                return r;
        *ret_machine = unit_name_to_machine(name);
        *ret_state = xasprintf("%s (%s)", active, sub);
        return 1;
}

static void row_print(const Widths *widths, const char *task, const char *state, const char *owner,
        const char *description) {
        (void) printf(ROW_FORMAT, widths->task, task, widths->state, state, owner, description);
}

/* Goes through the list: measures it, or prints it if @print. Return: 0 or a negative errno. */
static int go_through(sd_bus_message *m, Widths *widths, bool print) {
        for (;;) {
                _cleanup_free_ char *machine = NULL, *state = NULL;
                const char *description;
                int r = read_unit(m, &machine, &state, &description);

                if (r <= 0)
                        return r;
                if (!machine)
                        continue;
                if (print)
                        row_print(widths, machine, state, owner_of(machine), description);
                else {
                        widths->task = int_max(widths->task, (int) strlen(machine));
                        widths->state = int_max(widths->state, (int) strlen(state));
                }
        }
}

static int on_units(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        const sd_bus_error *error = sd_bus_message_get_error(m);
        Widths widths = { (int) strlen("TASK"), (int) strlen("STATE") };
        App *app = userdata;

        if (error || sd_bus_message_enter_container(m, 'a', "(ssssssouso)") < 0) {
                (void) app_fail(app, "systemd does not list its units: %s",
                        error ? bus_error_text(error) : "its answer has another form");
                return 0;
        }

        int r = go_through(m, &widths, false);
        if (r >= 0)
                r = sd_bus_message_rewind(m, false);
        if (r >= 0) {
                row_print(&widths, "TASK", "STATE", "OWNER", "DESCRIPTION");
                r = go_through(m, &widths, true);
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
