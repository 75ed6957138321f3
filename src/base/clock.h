/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <time.h>

#include "base/macro.h"

/* Return: microseconds since 1970, as systemd and journald count. */
static inline uint64_t clock_realtime_usec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}
