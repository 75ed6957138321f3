/* SPDX-License-Identifier: Apache-2.0 */

#include "base/macro.h"
#include "base/string.h"
#include "bus/property-read.h"
#include "bus/signal-match.h"

#define CHANGED "PropertiesChanged"
#define MATCH_ALL \
        "type='signal',sender='" SYSTEMD_DESTINATION "',path_namespace='" SYSTEMD_UNITS "'," \
        "interface='" PROPERTIES_INTERFACE "',member='" CHANGED "'"

static int on_own(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        SignalMatch *watch = userdata;

        watch->changed(watch->userdata, m);
        return 0;
}

static SignalMatch *signal_matches_find_untold(const SignalMatches *watches, const char *path) {
        SignalMatch *watch;

        LIST_FOREACH (watch, &watches->sharing, sharing)
                if (watch->n_told != watches->n_signals && streq(watch->path, path))
                        return watch;
        return NULL;
}

static int on_shared(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        SignalMatches *watches = userdata;
        const char *path = sd_bus_message_get_path(m);
        SignalMatch *watch;

        watches->n_signals++;

        /* Anew for each: whoever is told may end any of them. */
        while ((watch = signal_matches_find_untold(watches, path))) {
                watch->n_told = watches->n_signals;
                (void) sd_bus_message_rewind(m, true);
                watch->changed(watch->userdata, m);
        }
        return 0;
}

static int signal_match_begin_own(SignalMatch *watch, SignalMatches *watches) {
        int r = sd_bus_match_signal_async(system_bus_connection(watch->system_bus), &watch->own,
                SYSTEMD_DESTINATION, watch->path, PROPERTIES_INTERFACE, CHANGED, on_own, NULL, watch);

        if (r < 0)
                return r;
        watches->n_own++;
        return 0;
}

static int signal_match_begin_shared(SignalMatch *watch, SignalMatches *watches) {
        if (!watches->shared) {
                int r = sd_bus_add_match_async(system_bus_connection(watch->system_bus), &watches->shared,
                        MATCH_ALL, on_shared, NULL, watches);

                if (r < 0)
                        return r;
        }

        watch->n_told = watches->n_signals; /* not of the one that is being told */
        LIST_INSERT_HEAD(&watches->sharing, watch, sharing);
        return 0;
}

int signal_match_begin(SignalMatch *watch, SystemBus *system_bus, const char *path,
        SignalMatchChanged changed, void *userdata) {
        SignalMatches *watches = system_bus_matches(system_bus);
        int r;

        *watch = (SignalMatch){
                .system_bus = system_bus,
                .path = path,
                .changed = changed,
                .userdata = userdata,
        };
        r = watches->n_own < SIGNAL_MATCHES_OWN_MAX ? signal_match_begin_own(watch, watches)
                                                    : signal_match_begin_shared(watch, watches);
        if (r < 0)
                watch->system_bus = NULL;
        return r;
}

void signal_match_end(SignalMatch *watch) {
        if (!watch->system_bus)
                return;

        SignalMatches *watches = system_bus_matches(watch->system_bus);
        watch->system_bus = NULL;
        if (watch->own) {
                watch->own = sd_bus_slot_unref(watch->own);
                watches->n_own--;
                return;
        }

        LIST_REMOVE(watch, sharing);
        if (LIST_EMPTY(&watches->sharing))
                signal_matches_close(watches);
}

void signal_matches_close(SignalMatches *watches) {
        watches->shared = sd_bus_slot_unref(watches->shared);
}
