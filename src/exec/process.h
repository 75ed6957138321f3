/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "exec/spawn.h"

/* The processes of a command that is run in a container: the helper, then the command, and their group. */
typedef struct ExecProcess ExecProcess;

/* How it ended. */
typedef struct ExecEnd {
        bool ran;          /* there was a process for the command, and it was reaped */
        int code;          /* CLD_EXITED, CLD_KILLED, CLD_DUMPED (waitid(2)) */
        int status;        /* exit code or signal */
        const char *words; /* why there is nothing to run; NULL; owned by the process */
} ExecEnd;

typedef struct ExecProcessCallbacks {
        /* The master of the command's terminal, which is to be closed by whoever hears this. */
        void (*on_terminal)(void *userdata, int fd);
        /* All is over and reaped; when it was killed, everything that it had started too. */
        void (*on_end)(void *userdata, const ExecEnd *end);
} ExecProcessCallbacks;

/**
 * exec_process_new() - begin
 * @ret_input, @ret_outputs: our ends of the command's streams, owned by the caller; -1 with a terminal
 *
 * Return: 0, or a negative errno with @ret_error set. No callback is called from within this call.
 */
int exec_process_new(sd_event *event, const ExecPlace *place, const ExecSpec *spec,
        const ExecProcessCallbacks *callbacks, void *userdata, int *ret_input,
        int ret_outputs[static _EXEC_STREAM_MAX], ExecProcess **ret, Error **ret_error);

/* Kills whatever there is; when nobody waits for the end, it is still reaped and cleared away from the loop.
 */
ExecProcess *exec_process_free(ExecProcess *process);
DEFINE_CLEANUP(ExecProcess *, exec_process_free)

/* Kills the command and all it started. */
void exec_process_kill(ExecProcess *process);
