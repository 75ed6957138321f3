/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>

#include "base/string.h"
#include "bus/error.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "engine/record-file.h"
#include "engine/owner.h"
#include "task/name.h"
#include "task/nomad-id.h"

#define ROW "%-40s %-22s %-8s %s\n"

/* Return: who looks after the task: Nomad, nobody any more because its node is lost, or - for a task that
 * nspawnctl started. */
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
        /* Older drivers noted no owner. */
        if (r >= 0 && !record.owner && !(record.id && nomad_id_is_valid(record.id)))
                return "-";
        return words[r < 0 ? OWNER_UNKNOWN : owner_look(record.owner)];
}

static int on_units(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        const sd_bus_error *error = sd_bus_message_get_error(m);
        const char *name, *description, *active, *sub;
        SystemBus *system_bus = userdata;

        if (error || sd_bus_message_enter_container(m, 'a', "(ssssssouso)") < 0)
                return sd_event_exit(system_bus_event(system_bus),
                        command_fail("systemd does not list its units: %s",
                                error ? bus_error_text(error) : "strange answer"));

        (void) printf(ROW, "TASK", "STATE", "OWNER", "DESCRIPTION");
        int r;
        while ((r = sd_bus_message_read(m, "(ssssssouso)", &name, &description, NULL, &active, &sub, NULL,
                        NULL, NULL, NULL, NULL)) > 0) {
                _cleanup_free_ char *machine = unit_name_to_machine(name);
                _cleanup_free_ char *state = xasprintf("%s (%s)", active, sub);

                if (machine)
                        (void) printf(ROW, machine, state, owner_of(machine), description);
        }
        return sd_event_exit(system_bus_event(system_bus),
                r < 0 ? command_fail("the list of systemd's units is not complete: %s", strerror(-r))
                      : EXIT_SUCCESS);
}

static void begin(SystemBus *system_bus, void *userdata _unused_) {
        int r = sd_bus_call_method_async(system_bus_connection(system_bus), NULL, SYSTEMD_DESTINATION,
                SYSTEMD_PATH, SYSTEMD_MANAGER, "ListUnitsByPatterns", on_units, system_bus, "asas", 0, 1,
                UNIT_NAME_PATTERN);

        if (r < 0)
                (void) sd_event_exit(
                        system_bus_event(system_bus), command_fail("cannot ask systemd: %s", strerror(-r)));
}

int command_ps(int argc, char **argv _unused_) {
        if (argc > 0)
                return (void) fprintf(stderr, "usage: nspawnctl ps\n"), EXIT_USAGE;
        return ask_systemd(begin, NULL);
}
