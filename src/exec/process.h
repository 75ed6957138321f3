/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "exec/spawn.h"

/* The processes of a command that we run in a container: the helper, then the command, and their group. */
typedef struct ExecProcess ExecProcess;

/* How it ended. */
typedef struct ExecEnd {
        bool ran;          /* the process of the command existed, and was reaped */
        int code;          /* CLD_EXITED, CLD_KILLED, CLD_DUMPED (waitid(2)) */
        int status;        /* exit code or signal */
        const char *words; /* why the command could not be run, or NULL; owned by the ExecProcess */
} ExecEnd;

typedef struct ExecProcessCallbacks {
        /* @fd is the master of the command's terminal; the callback owns it. */
        void (*on_terminal)(void *userdata, int fd);
        /*
         * Helper and command are reaped. After exec_process_kill(), all processes of the group are gone,
         * too, unless one did not end in time.
         */
        void (*on_end)(void *userdata, const ExecEnd *end);
} ExecProcessCallbacks;

/**
 * exec_process_new() - start the helper for a command
 * @ret_input, @ret_outputs: our ends of the command's streams, owned by the caller; -1 with a terminal
 *
 * Return: 0, or a negative errno with @ret_error set. No callback is called from within this call.
 */
int exec_process_new(sd_event *event, const ExecPlace *place, const ExecSpec *spec,
        const ExecProcessCallbacks *callbacks, void *userdata, int *ret_input,
        int ret_outputs[static _EXEC_STREAM_MAX], ExecProcess **ret, Error **ret_error);

/*
 * Kills all processes. The caller must not use the handle any more; the loop still reaps the processes and
 * removes their group.
 */
ExecProcess *exec_process_free(ExecProcess *process);
DEFINE_CLEANUP(ExecProcess *, exec_process_free)

/* Kills the command and all processes that it started. */
void exec_process_kill(ExecProcess *process);
