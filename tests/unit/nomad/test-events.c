/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "base/string.h"
#include "box/service-box.h"
#include "client.h"
#include "driver.pb-c.h"

/* Task events, with readers that are late, slow or missing. */
TestSuite(events, .timeout = 60);

static void send_events(ServiceBox *service, unsigned first, unsigned n) {
        const DriverTask *task = LIST_FIRST(&service->plugin.tasks.list);

        for (unsigned i = first; i < first + n; i++) {
                _cleanup_free_ char *message = xasprintf("event %u", i);

                events_send(&service->plugin.events, task, message,
                        (const char *const[]){ "key", "value", NULL });
        }
}

static ClientCall *events_open(ServiceBox *service) {
        Driver__TaskEventsRequest request = DRIVER__TASK_EVENTS_REQUEST__INIT;

        return client_open(service->client, SERVICE_BOX_DRIVER "TaskEvents", &request.base);
}

static void expect_events(ClientCall *call, unsigned first, unsigned n) {
        for (unsigned i = first; i < first + n; i++) {
                _cleanup_free_ char *message = xasprintf("event %u", i);
                Driver__DriverTaskEvent *event = NULL;

                cr_assert_eq(client_next(call, &driver__driver_task_event__descriptor,
                                     SERVICE_BOX_LIMIT_MSEC, (ProtobufCMessage **) &event),
                        1, "%s", message);
                cr_assert_str_eq(event->message, message);
                cr_assert_str_eq(event->task_id, "one");
                cr_assert_str_eq(event->task_name, "name");
                cr_assert_str_eq(event->alloc_id, "alloc");
                cr_assert_gt(event->timestamp->seconds, 1600000000);
                cr_assert_eq(event->n_annotations, 1);
                cr_assert_str_eq(event->annotations[0]->key, "key");
                cr_assert_str_eq(event->annotations[0]->value, "value");
                driver__driver_task_event__free_unpacked(event, NULL);
        }
}

static void expect_no_more(ClientCall *call) {
        ProtobufCMessage *event = NULL;

        cr_assert_eq(client_next(call, &driver__driver_task_event__descriptor, 200, &event), -ETIMEDOUT);
}

Test(events, what_happened_before_anybody_listened_is_told_then_and_once) {
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        send_events(&service, 0, 3);
        service_box_begin(&service);
        ClientCall *first = events_open(&service);
        expect_events(first, 0, 3);
        expect_no_more(first);
        client_call_free(first);

        ClientCall *second = events_open(&service);
        expect_no_more(second);
        client_call_free(second);
        service_box_end(&service);
}

Test(events, a_slow_reader_loses_nothing) {
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        service_box_begin(&service);
        ClientCall *call = events_open(&service);
        expect_no_more(call);
        service_box_end(&service);

        /* More than fits in the queue of the call. */
        send_events(&service, 0, 2 * RPC_QUEUE_LIMIT + 10);
        service_box_begin(&service);
        expect_events(call, 0, 2 * RPC_QUEUE_LIMIT + 10);
        expect_no_more(call);
        client_call_free(call);
        service_box_end(&service);
}

Test(events, of_too_many_that_nobody_reads_the_newest_are_kept) {
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        send_events(&service, 0, 2000);
        cr_assert_eq(service.plugin.events.n_waiting, 1024);
        service_box_begin(&service);
        ClientCall *call = events_open(&service);
        expect_events(call, 2000 - 1024, 1024);
        client_call_free(call);
        service_box_end(&service);
}
