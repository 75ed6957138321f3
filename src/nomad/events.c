/* SPDX-License-Identifier: Apache-2.0 */

#include "base/clock.h"
#include "base/string.h"
#include "nomad/events.h"
#include "nomad/log.h"
#include "nomad/time.h"

#define ANNOTATIONS_MAX 8

static Driver__DriverTaskEvent **events_at(Events *events, size_t i) {
        return &events->waiting[(events->first + i) % EVENTS_MAX];
}

static void events_drop_first(Events *events) {
        Driver__DriverTaskEvent **first = events_at(events, 0);

        driver__driver_task_event__free_unpacked(*first, NULL);
        *first = NULL;
        events->first = (events->first + 1) % EVENTS_MAX;
        events->n_waiting--;
}

void events_clear(Events *events) {
        while (events->n_waiting > 0)
                events_drop_first(events);
}

/* While a new agent takes over from an old one there can be two streams. Only the newest is surely read. */
static void events_flush(void *userdata) {
        Events *events = userdata;
        const Subscriber *newest = LIST_FIRST(&events->subscribers.list);

        while (newest && events->n_waiting > 0 &&
                rpc_call_send(newest->call, &(*events_at(events, 0))->base) >= 0)
                events_drop_first(events);
}

void events_subscribe(Events *events, RpcCall *call) {
        subscribers_add(&events->subscribers, call, events_flush, events);
        events_flush(events);
}

static void events_add(Events *events, const Driver__DriverTaskEvent *message) {
        size_t size = driver__driver_task_event__get_packed_size(message);
        _cleanup_free_ uint8_t *bytes = xcalloc(size, 1);

        if (events->n_waiting == EVENTS_MAX) {
                log_warn("an event was dropped, since Nomad does not read them", "task_id",
                        (*events_at(events, 0))->task_id);
                events_drop_first(events);
        }
        (void) driver__driver_task_event__pack(message, bytes);
        *events_at(events, events->n_waiting++) = driver__driver_task_event__unpack(NULL, size, bytes);
}

void events_send(
        Events *events, const DriverTask *task, const char *message, const char *const *annotations) {
        Driver__DriverTaskEvent__AnnotationsEntry entries[ANNOTATIONS_MAX], *pointers[ANNOTATIONS_MAX];
        Google__Protobuf__Timestamp timestamp;
        Driver__DriverTaskEvent event = DRIVER__DRIVER_TASK_EVENT__INIT;

        time_to_timestamp(clock_realtime_usec(), &timestamp);
        for (size_t i = 0; annotations && annotations[2 * i] && i < ANNOTATIONS_MAX; i++) {
                driver__driver_task_event__annotations_entry__init(&entries[i]);
                entries[i].key = (char *) (uintptr_t) annotations[2 * i];
                entries[i].value = (char *) (uintptr_t) annotations[2 * i + 1];
                pointers[i] = &entries[i];
                event.n_annotations++;
        }

        event.task_id = task->id;
        event.task_name = task->name;
        event.alloc_id = task->alloc_id;
        event.timestamp = &timestamp;
        event.message = (char *) (uintptr_t) message;
        event.annotations = pointers;

        events_add(events, &event);
        events_flush(events);
}
