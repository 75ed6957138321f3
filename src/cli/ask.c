/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "cli/ask.h"
#include "cli/command.h"

typedef struct Ask {
        sd_event *event;
        SystemBus *system_bus;
        void (*begin)(SystemBus *system_bus, void *userdata);
        void *userdata;
} Ask;

static void on_changed(void *userdata, const Error *error) {
        Ask *ask = userdata;

        if (error)
                (void) sd_event_exit(ask->event, command_fail("%s", error_message(error)));
        else
                ask->begin(ask->system_bus, ask->userdata);
}

int ask_systemd(void (*begin)(SystemBus *system_bus, void *userdata), void *userdata) {
        Ask ask = { .begin = begin, .userdata = userdata };
        int r;

        r = sd_event_default(&ask.event);
        if (r < 0)
                return command_fail("cannot make an event loop: %s", strerror(-r));

        ask.system_bus = system_bus_new(ask.event, NULL, on_changed, &ask);
        r = sd_event_loop(ask.event);
        system_bus_free(ask.system_bus);
        sd_event_unref(ask.event);
        return r < 0 ? command_fail("the event loop failed: %s", strerror(-r)) : r;
}
