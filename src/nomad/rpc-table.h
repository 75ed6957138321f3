/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macro.h"
#include "nomad/rpc.h"

/* All methods of a server, found by path. */
typedef struct RpcRow {
        char *path;
        const RpcService *service;
        const RpcMethod *method;
        const ProtobufCMethodDescriptor *descriptor;
} RpcRow;

typedef struct RpcTable {
        RpcRow *rows; /* sorted by path */
        size_t n_rows;
} RpcTable;

/**
 * rpc_table_new() - make the table of the methods of these services
 *
 * Return: 0, or -EINVAL with an error when the rows do not match the descriptors.
 */
int rpc_table_new(const RpcService *services, size_t n_services, RpcTable **ret_table, Error **ret_error);

RpcTable *rpc_table_free(RpcTable *table);
DEFINE_CLEANUP(RpcTable *, rpc_table_free)
#define _cleanup_rpc_table_ _cleanup_(rpc_table_freep)

/* Return: the row of a path of @n bytes, NULL when there is none. */
const RpcRow *rpc_table_find(const RpcTable *table, const char *path, size_t n);
