/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/macro.h"
#include "base/string.h"
#include "bus/property-read.h"
#include "bus/signal-match.h"

#define CHANGED "PropertiesChanged"
#define MATCH_ALL \
        "type='signal',sender='" SYSTEMD_DESTINATION "',path_namespace='" SYSTEMD_UNITS "'," \
        "interface='" PROPERTIES_INTERFACE "',member='" CHANGED "'"

/* All matches of a connection. */
typedef struct SignalMatches {
        SystemBus *system_bus;
        size_t n_own;
        sd_bus_slot *shared; /* while any match shares it */
        uint64_t n_signals;  /* how many the shared match has brought */
        LIST_HEAD(, SignalMatch) sharing;
} SignalMatches;

static void signal_matches_init(void *share, SystemBus *system_bus) {
        SignalMatches *matches = share;

        matches->system_bus = system_bus;
        LIST_INIT(&matches->sharing);
}

static void signal_matches_close(void *share) {
        SignalMatches *matches = share;

        matches->shared = sd_bus_slot_unref(matches->shared);
}

static const BusShareType signal_matches_type = {
        .size = sizeof(SignalMatches),
        .init = signal_matches_init,
        .clear = signal_matches_close,
        .observer = { .lost = signal_matches_close },
};

static int on_own(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        SignalMatch *match = userdata;

        match->changed(match->userdata, m);
        return 0;
}

static SignalMatch *signal_matches_find_untold(const SignalMatches *matches, const char *path) {
        SignalMatch *match;

        LIST_FOREACH (match, &matches->sharing, sharing)
                if (match->n_told != matches->n_signals && streq(match->path, path))
                        return match;
        return NULL;
}

static int on_shared(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        SignalMatches *matches = userdata;
        const char *path = sd_bus_message_get_path(m);
        SignalMatch *match;

        matches->n_signals++;

        /* The search starts over after each callback, which may have ended any match. */
        while ((match = signal_matches_find_untold(matches, path))) {
                match->n_told = matches->n_signals;
                (void) sd_bus_message_rewind(m, true);
                match->changed(match->userdata, m);
        }
        return 0;
}

static int signal_match_begin_own(SignalMatch *match, SignalMatches *matches) {
        int r = sd_bus_match_signal_async(system_bus_connection(matches->system_bus), &match->own,
                SYSTEMD_DESTINATION, match->path, PROPERTIES_INTERFACE, CHANGED, on_own, NULL, match);

        if (r < 0)
                return r;
        matches->n_own++;
        return 0;
}

static int signal_match_begin_shared(SignalMatch *match, SignalMatches *matches) {
        if (!matches->shared) {
                int r = sd_bus_add_match_async(system_bus_connection(matches->system_bus), &matches->shared,
                        MATCH_ALL, on_shared, NULL, matches);

                if (r < 0)
                        return r;
        }

        match->n_told = matches->n_signals; /* this match does not get the present signal */
        LIST_INSERT_HEAD(&matches->sharing, match, sharing);
        return 0;
}

int signal_match_begin(SignalMatch *match, SystemBus *system_bus, const char *path,
        SignalMatchChanged changed, void *userdata) {
        SignalMatches *matches = system_bus_share(system_bus, &signal_matches_type);
        int r;

        if (!system_bus_is_ready(system_bus))
                return -ENOTCONN;

        *match = (SignalMatch){
                .matches = matches,
                .path = path,
                .changed = changed,
                .userdata = userdata,
        };
        r = matches->n_own < SIGNAL_MATCHES_OWN_MAX ? signal_match_begin_own(match, matches)
                                                    : signal_match_begin_shared(match, matches);
        if (r < 0)
                match->matches = NULL;
        return system_bus_error(r);
}

void signal_match_end(SignalMatch *match) {
        SignalMatches *matches = match->matches;

        if (!matches)
                return;

        match->matches = NULL;
        if (match->own) {
                match->own = sd_bus_slot_unref(match->own);
                matches->n_own--;
                return;
        }

        LIST_REMOVE(match, sharing);
        if (LIST_EMPTY(&matches->sharing))
                signal_matches_close(matches);
}

uint64_t signal_matches_n_signals(SystemBus *system_bus) {
        const SignalMatches *matches = system_bus_share(system_bus, &signal_matches_type);

        return matches->n_signals;
}
