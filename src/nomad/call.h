/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <grpc/grpc.h>

#include "base/macro.h"
#include "nomad/rpc-table.h"
#include "nomad/rpc.h"

/*
 * The part of a call that the server uses and handlers do not see.
 *
 * Every request to the gRPC core has an RpcOperation as its tag. The thread that reads the completion queue
 * only passes the tags on, and never looks at what they point to. The loop calls done().
 */
typedef struct RpcOperation RpcOperation;

struct RpcOperation {
        void (*done)(RpcOperation *operation, bool ok);
};

/**
 * rpc_call_open() - take over a call that has arrived
 * @call: owned by the new RpcCall, which frees itself when the call is over
 * @path: of the method, as the peer sent it
 * @row:  of the method, NULL for an unknown one
 * @live: counts the calls that exist; must live longer than all of them
 */
void rpc_call_open(grpc_call *call, const char *path, const RpcRow *row, size_t *live);
