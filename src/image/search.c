/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "bus/machined.h"
#include "image/local.h"
#include "image/search.h"

struct ImageSearch {
        const char *image, *directory;
        Root root;
        sd_event_source *known; /* the image is a path */
        ImageQuery *query;      /* machined was asked for the image */
        ImageFound found;
        void *userdata;
};

/* The search may be freed when this returns. */
static void image_search_end(ImageSearch *search) {
        Root root = search->root;

        search->root = (Root){};
        search->found(search->userdata, &root, NULL);
}

static int on_known(sd_event_source *source _unused_, void *userdata) {
        image_search_end(userdata);
        return 0;
}

static void on_answer(void *userdata, const char *path, const char *type, const Error *error) {
        _cleanup_error_ Error *missing = NULL;
        ImageSearch *search = userdata;

        if (path) {
                image_from_machined(path, type, &search->root);
                image_search_end(search);
                return;
        }

        /* If machined could not be asked, it is unknown whether the image exists. */
        if (error && error->code != ENOENT) {
                search->found(search->userdata, NULL, error);
                return;
        }
        (void) error_set(&missing, ENOENT,
                "image: \"%s\" is neither a path below %s nor an image that systemd-machined knows%s%s",
                search->image, search->directory, error ? ": " : "", error ? error_message(error) : "");
        search->found(search->userdata, NULL, missing);
}

int image_search_new(SystemBus *system_bus, const char *image, const char *directory, ImageFound found,
        void *userdata, ImageSearch **ret, Error **ret_error) {
        ImageSearch *search = xnew(ImageSearch, 1);

        *search = (ImageSearch){
                .image = image,
                .directory = directory,
                .found = found,
                .userdata = userdata,
        };
        int r = image_resolve(image, directory, &search->root, ret_error);
        if (r < 0) {
                image_search_free(search);
                return r;
        }

        if (r > 0)
                r = sd_event_add_defer(system_bus_event(system_bus), &search->known, on_known, search);
        else
                r = image_query_new(system_bus, image, on_answer, search, &search->query);
        if (r < 0) {
                image_search_free(search);
                return error_set(
                        ret_error, r, "image: \"%s\" cannot be looked for: %s", image, strerror(-r));
        }
        *ret = search;
        return 0;
}

ImageSearch *image_search_free(ImageSearch *search) {
        if (!search)
                return NULL;

        sd_event_source_disable_unref(search->known);
        image_query_free(search->query);
        root_clear(&search->root);
        free(search);
        return NULL;
}
