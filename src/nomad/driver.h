/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "nomad/rpc.h"

/* The handlers of the Driver service that work on tasks. Their userdata is the Plugin. */

/* The conventional text for an id that no task has (Nomad, plugins/drivers/errors.go). */
#define TASK_NOT_FOUND "task not found for given id"

/* driver-start.c */
void driver_on_start_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void driver_on_recover_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);

/* driver-task.c */
void driver_on_wait_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void driver_on_stop_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void driver_on_signal_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void driver_on_inspect_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);

/* driver-destroy.c */
void driver_on_destroy_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);

/* stats.c */
void driver_on_task_stats(RpcCall *call, const ProtobufCMessage *request, void *userdata);

/* driver-exec.c and driver-exec-stream.c: commands beside the task's own */
void driver_on_exec_task(RpcCall *call, const ProtobufCMessage *request, void *userdata);
void driver_on_exec_task_streaming(RpcCall *call, const ProtobufCMessage *request, void *userdata);
