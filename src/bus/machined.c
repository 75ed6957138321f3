/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

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

/* After any other error, the image may exist nevertheless. */
static void query_fail(ImageQuery *query, const char *why) {
        _cleanup_error_ Error *error = NULL;

        (void) error_set(&error, EAGAIN, "systemd-machined does not tell where the image is: %s", why);
        query->done(query->userdata, NULL, NULL, error);
}

static void query_refused(ImageQuery *query, const sd_bus_error *refusal) {
        _cleanup_error_ Error *error = NULL;
        const char *why = refusal->message ? refusal->message : refusal->name;

        if (sd_bus_error_has_name(refusal, MACHINED ".NoSuchImage"))
                query->done(query->userdata, NULL, NULL, NULL);
        else if (sd_bus_error_has_name(refusal, SD_BUS_ERROR_SERVICE_UNKNOWN)) {
                (void) error_set(&error, ENOENT, "there is no systemd-machined: %s", why);
                query->done(query->userdata, NULL, NULL, error);
        } else
                query_fail(query, why);
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        ImageQuery *query = userdata;
        const sd_bus_error *refusal = sd_bus_message_get_error(m);
        Image image = {};

        query->slot = sd_bus_slot_unref(query->slot);
        int r = refusal ? 0 : properties_read(m, image_rows, ELEMENTSOF(image_rows), &image);

        _cleanup_free_ char *path = image.path, *type = image.type;
        if (refusal)
                query_refused(query, refusal);
        else if (r < 0 || !path)
                query_fail(query, "its answer could not be read");
        else
                query->done(query->userdata, path, type ? type : "directory", NULL);
        return 0;
}

static int on_image(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        ImageQuery *query = userdata;
        const sd_bus_error *refusal = sd_bus_message_get_error(m);
        const char *object;

        query->slot = sd_bus_slot_unref(query->slot);
        if (refusal) {
                query_refused(query, refusal);
                return 0;
        }

        int r = sd_bus_message_read(m, "o", &object);
        if (r >= 0)
                r = system_bus_call(query->system_bus, &query->slot, MACHINED, object, PROPERTIES_INTERFACE,
                        "GetAll", on_properties, query, "s", MACHINED ".Image");
        if (r < 0)
                query_fail(query, strerror(-r));
        return 0;
}

int image_query_new(
        SystemBus *system_bus, const char *name, ImageQueryDone done, void *userdata, ImageQuery **ret) {
        _cleanup_(image_query_freep) ImageQuery *query = xnew(ImageQuery, 1);

        query->system_bus = system_bus;
        query->done = done;
        query->userdata = userdata;

        int r = system_bus_call(system_bus, &query->slot, MACHINED, "/org/freedesktop/machine1",
                MACHINED ".Manager", "GetImage", on_image, query, "s", name);
        if (r >= 0)
                *ret = TAKE_PTR(query);
        return r;
}

ImageQuery *image_query_free(ImageQuery *query) {
        if (!query)
                return NULL;

        sd_bus_slot_unref(query->slot);
        free(query);
        return NULL;
}
