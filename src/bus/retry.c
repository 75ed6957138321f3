/* SPDX-License-Identifier: Apache-2.0 */

#include "bus/retry.h"

#define PAUSE_MIN_USEC (200 * USEC_PER_MSEC)
#define PAUSE_MAX_USEC (5 * USEC_PER_SEC)

static int on_pause_end(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Retry *retry = userdata;

        retry_now(retry);
        retry->again(retry->userdata);
        return 0;
}

static uint64_t pause_length(unsigned n_failed) {
        uint64_t usec = PAUSE_MIN_USEC;

        for (unsigned i = 1; i < n_failed && usec < PAUSE_MAX_USEC; i++)
                usec *= 2;
        return usec < PAUSE_MAX_USEC ? usec : PAUSE_MAX_USEC;
}

void retry_later(Retry *retry, sd_event *event, void (*again)(void *userdata), void *userdata) {
        retry_now(retry);
        retry->n_failed++;
        retry->again = again;
        retry->userdata = userdata;

        /* If the timer cannot be set, for want of memory, @again would never be called. */
        if (sd_event_add_time_relative(event, &retry->timer, CLOCK_MONOTONIC, pause_length(retry->n_failed),
                    0, on_pause_end, retry) < 0)
                abort();
}

void retry_now(Retry *retry) {
        retry->timer = sd_event_source_disable_unref(retry->timer);
}

void retry_clear(Retry *retry) {
        retry_now(retry);
        retry->n_failed = 0;
}
