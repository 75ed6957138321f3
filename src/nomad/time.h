/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include "driver.pb-c.h"

/* Converts between protobuf's times and those of this project, which are in microseconds. */

/* Return: the duration, rounded up, and at most UINT64_MAX / 2; 0 for NULL and negative ones. */
static inline uint64_t time_from_duration(const Google__Protobuf__Duration *duration) {
        if (!duration || duration->seconds < 0 || duration->nanos < 0)
                return 0;
        if ((uint64_t) duration->seconds > UINT64_MAX / USEC_PER_SEC / 2)
                return UINT64_MAX / 2;
        return (uint64_t) duration->seconds * USEC_PER_SEC +
                ((uint64_t) duration->nanos + NSEC_PER_USEC - 1) / NSEC_PER_USEC;
}

/* Go's zero time, which stands for "not yet". */
#define TIME_GO_ZERO INT64_C(-62135596800)

/* @usec: since 1970; 0 stands for "not yet". */
static inline void time_to_timestamp(uint64_t usec, Google__Protobuf__Timestamp *ret) {
        google__protobuf__timestamp__init(ret);
        ret->seconds = usec ? (int64_t) (usec / USEC_PER_SEC) : TIME_GO_ZERO;
        ret->nanos = (int32_t) (usec % USEC_PER_SEC * NSEC_PER_USEC);
}
