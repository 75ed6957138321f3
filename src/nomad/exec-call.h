/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "driver.pb-c.h"
#include "engine/engine.h"
#include "nomad/rpc.h"

/* What ExecTask and ExecTaskStreaming share. */

/* Return: the status that the call must fail with. It is never UNAVAILABLE or CANCELLED, which would mean
 * that the plugin is gone. */
grpc_status_code exec_call_status(const Error *error);

/**
 * exec_call_start() - start the command that a call asks for
 * @id:       id of the task
 * @terminal: whether the command gets a terminal
 *
 * Return: the command; or NULL when it was not started, and then the call was ended with an error.
 */
Exec *exec_call_start(Engine *engine, RpcCall *call, const char *id, char *const *command, size_t n_command,
        bool terminal, const ExecCallbacks *callbacks, void *userdata);

/* Fills in @ret, which then owns nothing. */
void exec_call_fill_result(Driver__ExitResult *ret, const ExecResult *result);
