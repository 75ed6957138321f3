/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "nomad/subscribers.h"

static void on_subscriber_close(RpcCall *call _unused_, bool cancelled _unused_, void *userdata) {
        Subscriber *subscriber = userdata;

        LIST_REMOVE(subscriber, subscribers);
        free(subscriber);
}

static void on_subscriber_drain(RpcCall *call _unused_, void *userdata) {
        const Subscriber *subscriber = userdata;

        if (subscriber->drained)
                subscriber->drained(subscriber->userdata);
}

static const RpcCallbacks subscriber_callbacks = {
        .on_drain = on_subscriber_drain,
        .on_close = on_subscriber_close,
};

void subscribers_add(
        Subscribers *subscribers, RpcCall *call, void (*drained)(void *userdata), void *userdata) {
        Subscriber *subscriber = xnew(Subscriber, 1);

        subscriber->call = call;
        subscriber->drained = drained;
        subscriber->userdata = userdata;
        LIST_INSERT_HEAD(&subscribers->list, subscriber, subscribers);
        rpc_call_set_callbacks(call, &subscriber_callbacks, subscriber);
}
