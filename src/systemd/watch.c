/* SPDX-License-Identifier: Apache-2.0 */

#include "base/macro.h"
#include "base/string.h"
#include "systemd/watch.h"

#define MATCH \
        "type='signal',sender='" SYSTEMD_DESTINATION "',path_namespace='" SYSTEMD_PATH "/unit'," \
        "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'"

static Watch *watches_find_untold(const Watches *watches, const char *path) {
        Watch *watch;

        LIST_FOREACH (watch, &watches->list, entries)
                if (watch->n_told != watches->n_signals && streq(watch->path, path))
                        return watch;
        return NULL;
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
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

void watch_begin(Watch *watch, Manager *manager, const char *path, WatchChanged changed, void *userdata) {
        Watches *watches = manager_watches(manager);

        *watch = (Watch){
                .manager = manager,
                .path = path,
                .n_told = watches->n_signals, /* not of the one that is being told */
                .changed = changed,
                .userdata = userdata,
        };
        LIST_INSERT_HEAD(&watches->list, watch, entries);
}

void watch_end(Watch *watch) {
        if (!watch->manager)
                return;

        LIST_REMOVE(watch, entries);
        watch->manager = NULL;
}

int watches_open(Watches *watches, sd_bus *bus) {
        return sd_bus_add_match_async(bus, &watches->match, MATCH, on_signal, NULL, watches);
}

void watches_close(Watches *watches) {
        watches->match = sd_bus_slot_unref(watches->match);
}
