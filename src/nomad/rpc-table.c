/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "nomad/rpc-table.h"
#include "nomad/wire.h"

static int compare_rows(const void *a, const void *b) {
        return strcmp(((const RpcRow *) a)->path, ((const RpcRow *) b)->path);
}

/*
 * protoc-c cannot handle a method called Init, since its code for the service already has a function of that
 * name. The .proto file calls such a method Init_; on the wire it is Init.
 */
static const ProtobufCMethodDescriptor *find_method(
        const ProtobufCServiceDescriptor *descriptor, const char *name) {
        _cleanup_free_ char *escaped = xasprintf("%s_", name);
        const ProtobufCMethodDescriptor *found = protobuf_c_service_descriptor_get_method_by_name(
                descriptor, name);

        if (string_has_suffix(name, "_"))
                return NULL;
        return found ? found : protobuf_c_service_descriptor_get_method_by_name(descriptor, escaped);
}

/* Counts the rows to see whether each method has one: rpc_table_new() refuses two rows for a method. */
static int add_service(RpcTable *table, const RpcService *service, Error **ret_error) {
        const ProtobufCServiceDescriptor *descriptor = service->descriptor;

        for (size_t i = 0; i < service->n_methods; i++) {
                const RpcMethod *method = service->methods + i;
                const ProtobufCMethodDescriptor *found = find_method(descriptor, method->name);

                if (!found)
                        return error_set(ret_error, EINVAL, "service %s has no method %s", descriptor->name,
                                method->name);
                if (method->kind < 0 || method->kind >= _RPC_KIND_MAX)
                        return error_set(ret_error, EINVAL, "method %s is of no kind", method->name);
                if (wire_is_recursive(found->input))
                        return error_set(ret_error, EINVAL, "the request of %s can be nested without end",
                                method->name);

                table->rows[table->n_rows++] = (RpcRow){
                        .path = xasprintf("/%s/%s", descriptor->name, method->name),
                        .service = service,
                        .method = method,
                        .descriptor = found,
                };
        }

        if (service->n_methods != descriptor->n_methods)
                return error_set(ret_error, EINVAL, "service %s has %u methods, but %zu rows",
                        descriptor->name, descriptor->n_methods, service->n_methods);
        return 0;
}

int rpc_table_new(const RpcService *services, size_t n_services, RpcTable **ret_table, Error **ret_error) {
        _cleanup_rpc_table_ RpcTable *table = xnew(RpcTable, 1);
        size_t n_rows = 0;
        int r;

        for (size_t i = 0; i < n_services; i++)
                n_rows += services[i].n_methods;
        table->rows = xnew(RpcRow, n_rows);

        for (size_t i = 0; i < n_services; i++) {
                r = add_service(table, services + i, ret_error);
                if (r < 0)
                        return r;
        }

        qsort(table->rows, table->n_rows, sizeof(RpcRow), compare_rows);
        for (size_t i = 1; i < table->n_rows; i++)
                if (streq(table->rows[i - 1].path, table->rows[i].path))
                        return error_set(ret_error, EINVAL, "method %s has two rows", table->rows[i].path);

        *ret_table = TAKE_PTR(table);
        return 0;
}

RpcTable *rpc_table_free(RpcTable *table) {
        if (!table)
                return NULL;

        for (size_t i = 0; i < table->n_rows; i++)
                free(table->rows[i].path);
        free(table->rows);
        free(table);
        return NULL;
}

const RpcRow *rpc_table_find(const RpcTable *table, const char *path, size_t n) {
        size_t low = 0, high = table->n_rows;

        if (memchr(path, 0, n))
                return NULL;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const RpcRow *row = table->rows + middle;
                int order = strncmp(path, row->path, n);

                if (order == 0 && row->path[n] == 0)
                        return row;
                if (order > 0)
                        low = middle + 1;
                else
                        high = middle;
        }

        return NULL;
}
