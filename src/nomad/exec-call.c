/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "nomad/driver.h"
#include "nomad/exec-call.h"

grpc_status_code exec_call_status(const Error *error) {
        switch (error->code) {
        case EBUSY:
        case ESRCH:
                return GRPC_STATUS_FAILED_PRECONDITION;
        case EINVAL:
                return GRPC_STATUS_INVALID_ARGUMENT;
        default:
                return GRPC_STATUS_UNKNOWN;
        }
}

Exec *exec_call_start(Engine *engine, RpcCall *call, const char *id, char *const *command, size_t n_command,
        bool terminal, const ExecCallbacks *callbacks, void *userdata) {

        /* Nomad does not say what terminal the user has. Every image knows xterm, the terminals that people
         * use understand it, and docker sets it, too. */
        static char term[] = "TERM=xterm";
        static char *const environment[] = { term, NULL };

        _cleanup_free_ char **list = xnew(char *, n_command + 1);
        _cleanup_error_ Error *error = NULL;
        Task *task = engine_find(engine, id);
        Exec *exec = NULL;

        if (!task) {
                rpc_call_fail(call, GRPC_STATUS_NOT_FOUND, TASK_NOT_FOUND, false);
                return NULL;
        }
        if (n_command == 0) {
                rpc_call_fail(call, GRPC_STATUS_INVALID_ARGUMENT, "there is no command to run", false);
                return NULL;
        }

        memcpy(list, command, n_command * sizeof(*list));
        const ExecSpec spec = {
                .command = list,
                .environment = terminal ? environment : NULL,
                .terminal = terminal,
        };
        if (task_exec(task, &spec, callbacks, userdata, &exec, &error) < 0) {
                rpc_call_fail(call, exec_call_status(error), error_message(error), false);
                return NULL;
        }
        return exec;
}

void exec_call_fill_result(Driver__ExitResult *ret, const ExecResult *result) {
        driver__exit_result__init(ret);
        ret->exit_code = result->code;
        ret->signal = result->signal;
}
