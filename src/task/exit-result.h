/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* How a task ended. */
typedef struct ExitResult {
        bool known; /* whether code and signal are known */
        int code;   /* 128 + signal when a signal ended it */
        int signal; /* 0 when no signal is known */
        /* systemd's result is oom-kill, or the task failed and a process of it was killed for want of memory
         */
        bool oom_killed;
        uint64_t usec; /* realtime */
} ExitResult;

static inline ExitResult exit_result_of_code(int code) {
        return (ExitResult){ .known = true, .code = code };
}

static inline ExitResult exit_result_of_signal(int signal) {
        return (ExitResult){ .known = true, .code = 128 + signal, .signal = signal };
}
