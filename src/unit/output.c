/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/task-dir.h"
#include "bus/error.h"
#include "bus/property-read.h"
#include "unit/output.h"

struct OutputQuery {
        sd_bus_slot *slot;
        char *arguments; /* path of the file */
        OutputQueryDone done;
        void *userdata;
};

/* systemd-nspawn(1): the payload writes to nspawn's own stdout. */
#define PIPED "--console=pipe"

/* What the unit's properties say. */
typedef struct Service {
        char *output; /* StandardOutput= */
        bool piped;   /* ExecStart= has the option PIPED */
} Service;

/* Return: whether nspawn's options in this file include @wanted; false if there is no file. */
static bool options_contain(const char *path, const char *wanted) {
        _cleanup_free_ char *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, TASK_ARGUMENTS_MAX, &text);

        for (const char *word = text; n > 0 && word < text + n && !streq(word, "--");
                word += strlen(word) + 1)
                if (streq(word, wanted))
                        return true;
        return false;
}

/*
 * Reads the first command's arguments (org.freedesktop.systemd1(5), ExecStart). They are nspawn's if an
 * earlier version of this program started the unit.
 */
static int read_command(sd_bus_message *m, void *member) {
        bool options = true, *piped = member;
        const char *word;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(sasbttttuii)");
        if (r <= 0)
                return r;
        r = sd_bus_message_enter_container(m, 'r', "sasbttttuii");
        if (r == 0)
                return sd_bus_message_exit_container(m); /* no command at all */
        if (r > 0)
                r = sd_bus_message_skip(m, "s");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "s");
        while (r > 0 && (r = sd_bus_message_read_basic(m, 's', &word)) > 0) {
                options = options && !streq(word, "--");
                *piped = *piped || (options && streq(word, PIPED));
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r >= 0)
                r = sd_bus_message_skip(m, "bttttuii");
        for (int i = 0; i < 2 && r >= 0; i++)
                r = sd_bus_message_exit_container(m);
        return r;
}

static const PropertyRow service_rows[] = {
        { "StandardOutput", "s", property_read_string, offsetof(Service, output) },
        { "ExecStart", "a(sasbttttuii)", read_command, offsetof(Service, piped) },
};

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        OutputQuery *query = userdata;
        const sd_bus_error *refusal = sd_bus_message_get_error(m);
        _cleanup_error_ Error *error = NULL;
        Service service = {};

        query->slot = sd_bus_slot_unref(query->slot);

        int r = refusal ? -sd_bus_error_get_errno(refusal)
                        : properties_read(m, service_rows, ELEMENTSOF(service_rows), &service);
        _cleanup_free_ char *output = service.output;
        if (r < 0)
                (void) error_set(&error, r, "systemd does not tell where the output goes: %s",
                        refusal ? bus_error_text(refusal) : strerror(-r));

        bool piped = service.piped || options_contain(query->arguments, PIPED);
        OutputPlace in_journal = piped ? OUTPUT_JOURNAL : OUTPUT_JOURNAL_BY_NSPAWN;
        query->done(query->userdata, streq_null(output, "journal") ? in_journal : OUTPUT_ELSEWHERE, error);
        return 0;
}

OutputQuery *output_query_new(SystemBus *system_bus, const char *unit, const char *arguments,
        OutputQueryDone done, void *userdata) {
        _cleanup_(output_query_freep) OutputQuery *query = xnew(OutputQuery, 1);
        _cleanup_free_ char *path = NULL;

        query->arguments = xstrdup(arguments);
        query->done = done;
        query->userdata = userdata;
        if (!system_bus_is_ready(system_bus) || sd_bus_path_encode(SYSTEMD_UNITS, unit, &path) < 0 ||
                sd_bus_call_method_async(system_bus_connection(system_bus), &query->slot,
                        SYSTEMD_DESTINATION, path, PROPERTIES_INTERFACE, "GetAll", on_properties, query, "s",
                        "org.freedesktop.systemd1.Service") < 0)
                return NULL;
        return TAKE_PTR(query);
}

OutputQuery *output_query_free(OutputQuery *query) {
        if (!query)
                return NULL;

        sd_bus_slot_unref(query->slot);
        free(query->arguments);
        free(query);
        return NULL;
}
