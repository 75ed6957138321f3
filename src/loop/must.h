/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <stdlib.h>

/**
 * event_must() - abort if a sd_event_add_*() call failed whose callback must come
 * @r: result of the call
 *
 * Without the event source the callback would never come, and its receiver would wait for ever. The call
 * fails only when the kernel has no memory or descriptors left; this process then aborts, as it does without
 * memory (base/string.h). A loop that has ended (-ESTALE, sd_event_add_io(3)) calls nothing back any more,
 * and that is no failure.
 */
static inline void event_must(int r) {
        if (r < 0 && r != -ESTALE)
                abort();
}
