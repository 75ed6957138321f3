/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <stdlib.h>

/**
 * event_must() - take the result of a sd_event_add_*() call whose callback somebody waits for
 *
 * Without the event source nobody would ever be called back. Only memory or descriptors of the kernel can be
 * missing, and the process ends as it does without memory (base/macro.h). A loop that has ended (-ESTALE,
 * sd_event_add_io(3)) calls nobody back any more, and that is no failure.
 */
static inline void event_must(int r) {
        if (r < 0 && r != -ESTALE)
                abort();
}
