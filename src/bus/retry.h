/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/*
 * Pauses between attempts to read something that could not be read. They double from 0.2 s, in less than
 * which systemd is back on the bus when it executes itself again, up to 5 s.
 */

/* After so many failed attempts, and 3 s, it is time to tell somebody. */
#define RETRY_MANY 5

/* Zero-initialised is no attempt. */
typedef struct Retry {
        sd_event_source *timer;
        unsigned n_failed; /* in a row */
        void (*again)(void *userdata);
        void *userdata;
} Retry;

/* An attempt failed: calls @again after a pause, from the loop. */
void retry_later(Retry *retry, sd_event *event, void (*again)(void *userdata), void *userdata);

/* The next attempt is made now: ends the pause. */
void retry_now(Retry *retry);

/* An attempt succeeded, or no more is wanted. May be called at any time. */
void retry_clear(Retry *retry);
