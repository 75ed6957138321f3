/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* How a task ended. */
typedef struct ExitResult {
        bool known;      /* otherwise code and signal are not */
        int code;        /* 128 + signal when a signal ended it */
        int signal;      /* 0 when none is known of */
        bool oom_killed; /* the kernel killed something of it for want of memory, and it failed */
        uint64_t usec;   /* realtime */
} ExitResult;

static inline ExitResult exit_result_of_code(int code) {
        return (ExitResult){ .known = true, .code = code };
}

static inline ExitResult exit_result_of_signal(int signal) {
        return (ExitResult){ .known = true, .code = 128 + signal, .signal = signal };
}
