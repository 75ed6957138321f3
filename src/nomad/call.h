/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <grpc/grpc.h>

#include "base/macro.h"
#include "nomad/rpc-table.h"
#include "nomad/rpc.h"

/*
 * What the server knows of calls, and handlers do not.
 *
 * The tag of everything asked of the core is an operation. The thread in the completion queue never looks at
 * what a tag points to; the loop calls done().
 */
typedef struct RpcOperation RpcOperation;

struct RpcOperation {
        void (*done)(RpcOperation *operation, bool ok);
};

/**
 * rpc_call_open() - take over a call that came in
 * @call: owned by the new RpcCall, which frees itself when it is over
 * @path: as the peer said it
 * @row:  of the method, NULL for an unknown one
 * @live: a counter of calls that exist, which lives longer than they do
 */
void rpc_call_open(grpc_call *call, const char *path, const RpcRow *row, size_t *live);
