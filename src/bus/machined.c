/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "bus/machined.h"
#include "bus/property-read.h"

#define MACHINED "org.freedesktop.machine1"

struct ImageQuery {
        SystemBus *system_bus;
        sd_bus_slot *slot;
        ImageQueryDone done;
        void *userdata;
};

typedef struct Image {
        char *path;
        char *type;
} Image;

static const PropertyRow image_rows[] = {
        { "Path", "s", property_read_string, offsetof(Image, path) },
        { "Type", "s", property_read_string, offsetof(Image, type) },
};

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        ImageQuery *query = userdata;
        Image image = {};

        query->slot = sd_bus_slot_unref(query->slot);
        if (!sd_bus_message_is_method_error(m, NULL))
                (void) properties_read(m, image_rows, ELEMENTSOF(image_rows), &image);

        _cleanup_free_ char *path = image.path, *type = image.type;
        query->done(query->userdata, path, type ? type : "directory", sd_bus_message_get_error(m));
        return 0;
}

static int on_image(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        ImageQuery *query = userdata;
        const char *object;

        query->slot = sd_bus_slot_unref(query->slot);

        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "o", &object) > 0 &&
                sd_bus_call_method_async(system_bus_connection(query->system_bus), &query->slot, MACHINED,
                        object, PROPERTIES_INTERFACE, "GetAll", on_properties, query, "s",
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
