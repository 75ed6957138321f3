/* SPDX-License-Identifier: Apache-2.0 */

#include "base/macro.h"
#include "base/string.h"
#include "systemd/watch.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define CHANGED "PropertiesChanged"
#define MATCH_ALL \
        "type='signal',sender='" SYSTEMD_DESTINATION "',path_namespace='" SYSTEMD_UNITS "'," \
        "interface='" PROPERTIES "',member='" CHANGED "'"

static int on_own(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        Watch *watch = userdata;

        watch->changed(watch->userdata, m);
        return 0;
}

static Watch *watches_find_untold(const Watches *watches, const char *path) {
        Watch *watch;

        LIST_FOREACH (watch, &watches->sharing, sharing)
                if (watch->n_told != watches->n_signals && streq(watch->path, path))
                        return watch;
        return NULL;
}

static int on_shared(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        Watches *watches = userdata;
        const char *path = sd_bus_message_get_path(m);
        Watch *watch;

        watches->n_signals++;

        /* Anew for each: whoever is told may end any of them. */
        while ((watch = watches_find_untold(watches, path))) {
                watch->n_told = watches->n_signals;
                (void) sd_bus_message_rewind(m, true);
                watch->changed(watch->userdata, m);
        }
        return 0;
}

static int watch_begin_own(Watch *watch, Watches *watches) {
        int r = sd_bus_match_signal_async(manager_bus(watch->manager), &watch->own, SYSTEMD_DESTINATION,
                watch->path, PROPERTIES, CHANGED, on_own, NULL, watch);

        if (r < 0)
                return r;
        watches->n_own++;
        return 0;
}

static int watch_begin_shared(Watch *watch, Watches *watches) {
        if (!watches->shared) {
                int r = sd_bus_add_match_async(
                        manager_bus(watch->manager), &watches->shared, MATCH_ALL, on_shared, NULL, watches);

                if (r < 0)
                        return r;
        }

        watch->n_told = watches->n_signals; /* not of the one that is being told */
        LIST_INSERT_HEAD(&watches->sharing, watch, sharing);
        return 0;
}

int watch_begin(Watch *watch, Manager *manager, const char *path, WatchChanged changed, void *userdata) {
        Watches *watches = manager_watches(manager);
        int r;

        *watch = (Watch){
                .manager = manager,
                .path = path,
                .changed = changed,
                .userdata = userdata,
        };
        r = watches->n_own < WATCHES_OWN_MAX ? watch_begin_own(watch, watches)
                                             : watch_begin_shared(watch, watches);
        if (r < 0)
                watch->manager = NULL;
        return r;
}

void watch_end(Watch *watch) {
        if (!watch->manager)
                return;

        Watches *watches = manager_watches(watch->manager);
        watch->manager = NULL;
        if (watch->own) {
                watch->own = sd_bus_slot_unref(watch->own);
                watches->n_own--;
                return;
        }

        LIST_REMOVE(watch, sharing);
        if (LIST_EMPTY(&watches->sharing))
                watches_close(watches);
}

void watches_close(Watches *watches) {
        watches->shared = sd_bus_slot_unref(watches->shared);
}
