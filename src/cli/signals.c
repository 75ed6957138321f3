/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>

#include "base/macro.h"
#include "cli/signals.h"

int signal_take(sd_event *event, int signal, sd_event_signal_handler_t handler, void *userdata) {
        sigset_t mask;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, signal);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;

        int r = sd_event_add_signal(event, NULL, signal, handler, userdata);
        return r < 0 ? r : 0;
}

static bool is_ignored(int signal) {
        struct sigaction action;

        return sigaction(signal, NULL, &action) >= 0 && action.sa_handler == SIG_IGN;
}

int signals_take_orders(sd_event *event, sd_event_signal_handler_t handler, void *userdata) {
        int r = signal_take(event, SIGINT, handler, userdata);

        if (r >= 0)
                r = signal_take(event, SIGTERM, handler, userdata);
        if (r >= 0 && !is_ignored(SIGHUP))
                r = signal_take(event, SIGHUP, handler, userdata);
        return r;
}
