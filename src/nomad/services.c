/* SPDX-License-Identifier: Apache-2.0 */

#include <grpc/status.h>

#include "base/string.h"
#include "health.pb-c.h"
#include "nomad/services.h"
#include "plugin.pb-c.h"

/*
 * The process may exit as soon as on_shutdown() is called, so the call comes after the answer was sent. A
 * client that does not wait for the answer wants the process to exit all the same.
 */
static void on_shutdown_closed(RpcCall *call _unused_, bool cancelled _unused_, void *userdata) {
        Services *services = userdata;

        if (services->shut_down)
                return;
        services->shut_down = true;
        services->on_shutdown(services->userdata);
}

static void controller_shutdown(RpcCall *call, const ProtobufCMessage *request _unused_, void *userdata) {
        static const RpcCallbacks callbacks = { .on_close = on_shutdown_closed };
        Plugin__Empty empty = PLUGIN__EMPTY__INIT;

        rpc_call_set_callbacks(call, &callbacks, userdata);
        rpc_call_reply(call, &empty.base);
}

/*
 * Handles two streams that only plugins in Go have a use for: nothing is sent on them. They stay open until
 * the client closes them, since the client would take their end for a failure.
 */
static void hold_open(
        RpcCall *call _unused_, const ProtobufCMessage *request _unused_, void *userdata _unused_) {
}

static void health_check(RpcCall *call, const ProtobufCMessage *message, void *userdata _unused_) {
        const Health__HealthCheckRequest *request = (const Health__HealthCheckRequest *) message;

        if (!streq(request->service, "") && !streq(request->service, "plugin")) {
                rpc_call_fail(call, GRPC_STATUS_NOT_FOUND, "unknown service", false);
                return;
        }

        Health__HealthCheckResponse response = HEALTH__HEALTH_CHECK_RESPONSE__INIT;
        response.status = HEALTH__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
        rpc_call_reply(call, &response.base);
}

void services_fill(Services *services, RpcService rows[static SERVICES_ROWS]) {
        static const RpcMethod controller[] = { { "Shutdown", RPC_UNARY, controller_shutdown } };
        static const RpcMethod broker[] = { { "StartStream", RPC_BIDI, hold_open } };
        static const RpcMethod stdio[] = { { "StreamStdio", RPC_SERVER_STREAM, hold_open } };
        static const RpcMethod health[] = {
                { "Check", RPC_UNARY, health_check },
                { "Watch", RPC_SERVER_STREAM, NULL },
        };

        rows[0] = (RpcService){ &plugin__grpccontroller__descriptor, controller, ELEMENTSOF(controller),
                services };
        rows[1] = (RpcService){ &plugin__grpcbroker__descriptor, broker, ELEMENTSOF(broker), services };
        rows[2] = (RpcService){ &plugin__grpcstdio__descriptor, stdio, ELEMENTSOF(stdio), services };
        rows[3] = (RpcService){ &health__health__descriptor, health, ELEMENTSOF(health), services };
}
