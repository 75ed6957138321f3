/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "systemd/output.h"

struct OutputQuery {
        sd_bus_slot *slot;
        OutputQueryDone done;
        void *userdata;
};

typedef struct Service {
        bool in_journal;
        bool piped; /* systemd-nspawn(1), --console=pipe: nspawn is not between */
} Service;

static int read_output(sd_bus_message *m, Service *service) {
        const char *output;
        int r = sd_bus_message_read(m, "v", "s", &output);

        service->in_journal = r > 0 && streq(output, "journal");
        return r;
}

/* The first command's arguments (org.freedesktop.systemd1(5), ExecStart). */
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
                service->piped = service->piped || streq(word, "--console=pipe");
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

OutputQuery *output_query_new(Manager *manager, const char *unit, OutputQueryDone done, void *userdata) {
        _cleanup_(output_query_freep) OutputQuery *query = xnew(OutputQuery, 1);
        _cleanup_free_ char *path = NULL;

        query->done = done;
        query->userdata = userdata;
        if (!manager_is_ready(manager) || sd_bus_path_encode(SYSTEMD_UNITS, unit, &path) < 0 ||
                sd_bus_call_method_async(manager_bus(manager), &query->slot, SYSTEMD_DESTINATION, path,
                        "org.freedesktop.DBus.Properties", "GetAll", on_properties, query, "s",
                        "org.freedesktop.systemd1.Service") < 0)
                return NULL;
        return TAKE_PTR(query);
}

OutputQuery *output_query_free(OutputQuery *query) {
        if (!query)
                return NULL;

        sd_bus_slot_unref(query->slot);
        free(query);
        return NULL;
}
