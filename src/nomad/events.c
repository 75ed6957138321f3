/* SPDX-License-Identifier: Apache-2.0 */

#include "base/clock.h"
#include "base/string.h"
#include "driver.pb-c.h"
#include "nomad/log.h"
#include "nomad/plugin.h"
#include "nomad/time.h"

#define ANNOTATIONS_MAX 8

static Driver__DriverTaskEvent **backlog_at(Plugin *plugin, size_t i) {
        return &plugin->backlog[(plugin->backlog_first + i) % BACKLOG_MAX];
}

static void backlog_drop_first(Plugin *plugin) {
        Driver__DriverTaskEvent **first = backlog_at(plugin, 0);

        driver__driver_task_event__free_unpacked(*first, NULL);
        *first = NULL;
        plugin->backlog_first = (plugin->backlog_first + 1) % BACKLOG_MAX;
        plugin->n_backlog--;
}

void plugin_drop_events(Plugin *plugin) {
        while (plugin->n_backlog > 0)
                backlog_drop_first(plugin);
}

void plugin_flush_events(Plugin *plugin) {
        /* While an agent takes over from another there can be two streams: the newest is the one it reads.
         */
        PluginListener *listener = LIST_FIRST(&plugin->events);

        while (listener && plugin->n_backlog > 0 &&
                rpc_call_send(listener->call, &(*backlog_at(plugin, 0))->base) >= 0)
                backlog_drop_first(plugin);
}

void plugin_on_task_events(RpcCall *call, const ProtobufCMessage *request _unused_, void *userdata) {
        plugin_listen(call, userdata, true);
        plugin_flush_events(userdata);
}

static void backlog_add(Plugin *plugin, const Driver__DriverTaskEvent *message) {
        size_t size = driver__driver_task_event__get_packed_size(message);
        _cleanup_free_ uint8_t *bytes = xcalloc(size, 1);

        if (plugin->n_backlog == BACKLOG_MAX) {
                log_warn("an event was dropped, since Nomad does not read them", "task_id",
                        (*backlog_at(plugin, 0))->task_id);
                backlog_drop_first(plugin);
        }
        (void) driver__driver_task_event__pack(message, bytes);
        *backlog_at(plugin, plugin->n_backlog++) = driver__driver_task_event__unpack(NULL, size, bytes);
}

void plugin_send_event(
        Plugin *plugin, const DriverTask *task, const char *message, const char *const *annotations) {
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

        backlog_add(plugin, &event);
        plugin_flush_events(plugin);
}
