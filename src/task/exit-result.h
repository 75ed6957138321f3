/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* How a task ended. */
typedef struct ExitResult {
        bool known;      /* whether code and signal are known */
        int code;        /* 128 + signal when a signal ended it */
        int signal;      /* 0 when no signal is known */
        bool oom_killed; /* the kernel killed a process of it for want of memory, and the task failed */
        uint64_t usec;   /* realtime */
} ExitResult;

static inline ExitResult exit_result_of_code(int code) {
        return (ExitResult){ .known = true, .code = code };
}

static inline ExitResult exit_result_of_signal(int signal) {
        return (ExitResult){ .known = true, .code = 128 + signal, .signal = signal };
}
