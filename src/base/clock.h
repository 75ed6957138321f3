/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <time.h>

#include "base/macro.h"

static inline uint64_t clock_usec(clockid_t clock) {
        struct timespec now;

        (void) clock_gettime(clock, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}

/* Return: microseconds since 1970, as systemd and journald count. */
static inline uint64_t clock_realtime_usec(void) {
        return clock_usec(CLOCK_REALTIME);
}

/* Return: microseconds of CLOCK_MONOTONIC, which never jumps when the date is set. */
static inline uint64_t clock_monotonic_usec(void) {
        return clock_usec(CLOCK_MONOTONIC);
}
