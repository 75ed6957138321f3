/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/secrets-file.h"
#include "unit/nspawn.h"
#include "unit/output.h"
#include "task/name.h"

struct OutputQuery {
        sd_bus_slot *slot;
        char *machine;
        OutputQueryDone done;
        void *userdata;
};

/* systemd-nspawn(1): nspawn is not between. */
#define PIPED "--console=pipe"

typedef struct Service {
        bool in_journal;
        bool piped;
} Service;

/* Return: whether nspawn's options have the word; false where they are not in the task's directory. */
static bool options_contain(const char *machine, const char *wanted) {
        _cleanup_free_ char *path = nspawn_runtime_path(machine, TASK_ARGUMENTS_FILE), *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, TASK_ARGUMENTS_MAX, &text);

        for (const char *word = text; n > 0 && word < text + n && !streq(word, "--");
                word += strlen(word) + 1)
                if (streq(word, wanted))
                        return true;
        return false;
}

static int read_output(sd_bus_message *m, Service *service) {
        const char *output;
        int r = sd_bus_message_read(m, "v", "s", &output);

        service->in_journal = r > 0 && streq(output, "journal");
        return r;
}

/*
 * The first command's arguments (org.freedesktop.systemd1(5), ExecStart), which are nspawn's in a unit that
 * an earlier version of this program started.
 */
static int read_command(sd_bus_message *m, Service *service) {
        static const char signature[] = "a(sasbttttuii)";
        const char *word;
        int r;

        r = sd_bus_message_enter_container(m, 'v', signature);
        if (r > 0)
                r = sd_bus_message_enter_container(m, 'a', "(sasbttttuii)");
        if (r > 0)
                r = sd_bus_message_enter_container(m, 'r', "sasbttttuii");
        if (r > 0)
                r = sd_bus_message_skip(m, "s");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "s");
        while (r > 0 && (r = sd_bus_message_read_basic(m, 's', &word)) > 0)
                service->piped = service->piped || streq(word, PIPED);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r >= 0)
                r = sd_bus_message_skip(m, "bttttuii");
        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_exit_container(m);
        return r;
}

static int read_service(sd_bus_message *m, Service *service) {
        const char *name;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read_basic(m, 's', &name);
                if (r < 0)
                        break;
                if (streq(name, "StandardOutput"))
                        r = read_output(m, service);
                else if (streq(name, "ExecStart"))
                        r = read_command(m, service);
                else
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r;
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        OutputQuery *query = userdata;
        const sd_bus_error *refusal = sd_bus_message_get_error(m);
        _cleanup_error_ Error *error = NULL;
        Service service = {};

        query->slot = sd_bus_slot_unref(query->slot);

        service.piped = options_contain(query->machine, PIPED);
        int r = refusal ? -sd_bus_error_get_errno(refusal) : read_service(m, &service);
        if (r < 0)
                (void) error_set(&error, r, "systemd does not tell where the output goes: %s",
                        refusal ? refusal->message : strerror(-r));
        query->done(query->userdata,
                !service.in_journal     ? OUTPUT_ELSEWHERE
                        : service.piped ? OUTPUT_JOURNAL
                                        : OUTPUT_JOURNAL_BY_NSPAWN,
                error);
        return 0;
}

OutputQuery *output_query_new(
        SystemBus *system_bus, const char *unit, OutputQueryDone done, void *userdata) {
        _cleanup_(output_query_freep) OutputQuery *query = xnew(OutputQuery, 1);
        _cleanup_free_ char *path = NULL;

        query->machine = unit_name_to_machine(unit);
        query->done = done;
        query->userdata = userdata;
        if (!query->machine || !system_bus_is_ready(system_bus) ||
                sd_bus_path_encode(SYSTEMD_UNITS, unit, &path) < 0 ||
                sd_bus_call_method_async(system_bus_connection(system_bus), &query->slot,
                        SYSTEMD_DESTINATION, path, "org.freedesktop.DBus.Properties", "GetAll",
                        on_properties, query, "s", "org.freedesktop.systemd1.Service") < 0)
                return NULL;
        return TAKE_PTR(query);
}

OutputQuery *output_query_free(OutputQuery *query) {
        if (!query)
                return NULL;

        sd_bus_slot_unref(query->slot);
        free(query->machine);
        free(query);
        return NULL;
}
