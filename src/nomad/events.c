/* SPDX-License-Identifier: Apache-2.0 */

#include <time.h>

#include "base/string.h"
#include "driver.pb-c.h"
#include "nomad/log.h"
#include "nomad/plugin.h"

#define ANNOTATIONS_MAX 8

void plugin_on_task_events(RpcCall *call, const ProtobufCMessage *request _unused_, void *userdata) {
        plugin_listen(call, userdata, true);
}

void plugin_send_event(
        Plugin *plugin, const DriverTask *task, const char *message, const char *const *annotations) {
        Driver__DriverTaskEvent__AnnotationsEntry entries[ANNOTATIONS_MAX], *pointers[ANNOTATIONS_MAX];
        Google__Protobuf__Timestamp timestamp = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
        Driver__DriverTaskEvent event = DRIVER__DRIVER_TASK_EVENT__INIT;
        PluginListener *listener;
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        timestamp.seconds = now.tv_sec;
        timestamp.nanos = (int32_t) now.tv_nsec;

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

        /* While an agent takes over from another there can be two streams: the newest is the one it reads.
         */
        listener = LIST_FIRST(&plugin->events);
        if (listener && rpc_call_send(listener->call, &event.base) < 0)
                log_warn("an event was lost, since Nomad does not read them", "task_id", task->id);
}
