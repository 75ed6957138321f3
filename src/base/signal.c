/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <strings.h>

#include "base/signal.h"
#include "base/string.h"

static int realtime_from_string(const char *name) {
        uint64_t offset = 0;

        if (strncasecmp(name, "RTMIN", 5) != 0)
                return -EINVAL;
        if (name[5] && (name[5] != '+' || !string_parse_u64(name + 6, &offset)))
                return -EINVAL;
        return offset <= (uint64_t) (SIGRTMAX - SIGRTMIN) ? SIGRTMIN + (int) offset : -EINVAL;
}

int signal_from_string(const char *name) {
        uint64_t number;

        if (string_parse_u64(name, &number))
                return number > 0 && number < (uint64_t) NSIG ? (int) number : -EINVAL;

        if (strncasecmp(name, "SIG", 3) == 0)
                name += 3;
        for (int i = 1; i < NSIG; i++) {
                const char *known = sigabbrev_np(i);
                if (known && strcasecmp(known, name) == 0)
                        return i;
        }
        return realtime_from_string(name);
}
