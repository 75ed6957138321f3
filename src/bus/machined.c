/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "bus/machined.h"

#define MACHINED "org.freedesktop.machine1"

struct ImageQuery {
        SystemBus *system_bus;
        sd_bus_slot *slot;
        ImageQueryDone done;
        void *userdata;
};

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        ImageQuery *query = userdata;
        const char *name, *path = NULL, *type = NULL;

        query->slot = sd_bus_slot_unref(query->slot);

        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_enter_container(m, 'a', "{sv}") > 0)
                while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                        if (sd_bus_message_read(m, "s", &name) <= 0)
                                break;

                        const char **member = streq(name, "Path") ? &path
                                : streq(name, "Type")             ? &type
                                                                  : NULL;
                        int r = member ? sd_bus_message_read(m, "v", "s", member)
                                       : sd_bus_message_skip(m, "v");
                        if (r < 0 || sd_bus_message_exit_container(m) < 0)
                                break;
                }

        query->done(query->userdata, path, type ? type : "directory", sd_bus_message_get_error(m));
        return 0;
}

static int on_image(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        ImageQuery *query = userdata;
        const char *object;

        query->slot = sd_bus_slot_unref(query->slot);

        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "o", &object) > 0 &&
                sd_bus_call_method_async(system_bus_connection(query->system_bus), &query->slot, MACHINED,
                        object, "org.freedesktop.DBus.Properties", "GetAll", on_properties, query, "s",
                        MACHINED ".Image") >= 0)
                return 0;

        query->done(query->userdata, NULL, NULL, sd_bus_message_get_error(m));
        return 0;
}

ImageQuery *image_query_new(SystemBus *system_bus, const char *name, ImageQueryDone done, void *userdata) {
        _cleanup_(image_query_freep) ImageQuery *query = xnew(ImageQuery, 1);

        query->system_bus = system_bus;
        query->done = done;
        query->userdata = userdata;

        if (!system_bus_is_ready(system_bus) ||
                sd_bus_call_method_async(system_bus_connection(system_bus), &query->slot, MACHINED,
                        "/org/freedesktop/machine1", MACHINED ".Manager", "GetImage", on_image, query, "s",
                        name) < 0)
                return NULL;
        return TAKE_PTR(query);
}

ImageQuery *image_query_free(ImageQuery *query) {
        if (!query)
                return NULL;

        sd_bus_slot_unref(query->slot);
        free(query);
        return NULL;
}
