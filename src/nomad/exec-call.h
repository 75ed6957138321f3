/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "driver.pb-c.h"
#include "engine/engine.h"
#include "nomad/rpc.h"

/* What both of Nomad's calls that run a command share. */

/* Return: what the call fails with. UNAVAILABLE and CANCELLED would mean that the plugin is gone. */
grpc_status_code exec_call_status(const Error *error);

/**
 * exec_call_start() - start the command that a call asks for
 * @id:       of the task
 * @terminal: the command gets one
 *
 * Return: the command, or NULL, and then the call has failed.
 */
Exec *exec_call_start(Engine *engine, RpcCall *call, const char *id, char *const *command, size_t n_command,
        bool terminal, const ExecCallbacks *callbacks, void *userdata);

/* @ret owns nothing. */
void exec_call_fill_result(Driver__ExitResult *ret, const ExecResult *result);
