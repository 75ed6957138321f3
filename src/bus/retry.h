/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/*
 * Pauses between attempts to read something that could not be read. The first pause is 0.2 s, which is
 * longer than systemd is off the bus when it re-executes itself. Each further pause is twice as long, up to
 * 5 s.
 */

/* After this many failed attempts, which take 3 s, the caller should report the failure. */
#define RETRY_MANY 5

/* A zero-initialised Retry has no attempt pending. */
typedef struct Retry {
        sd_event_source *timer;
        unsigned n_failed; /* in a row */
        void (*again)(void *userdata);
        void *userdata;
} Retry;

/* An attempt failed: calls @again after a pause, from the loop. */
void retry_later(Retry *retry, sd_event *event, void (*again)(void *userdata), void *userdata);

/* Ends the pause, because the caller makes the next attempt now. */
void retry_now(Retry *retry);

/* Ends the attempts, since one succeeded or no more are wanted. May be called at any time. */
void retry_clear(Retry *retry);
