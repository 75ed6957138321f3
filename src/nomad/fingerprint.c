/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/program.h"
#include "base/string.h"
#include "driver.pb-c.h"
#include "nomad/fingerprint.h"
#include "unit/host.h"

#define ATTRIBUTE_PREFIX "driver." PLUGIN_NAME

static int fingerprint_check(const Fingerprint *fingerprint, Error **ret_error) {
        HostFacts facts;

        if (!fingerprint->config->enabled)
                return error_set(ret_error, ENOTSUP, "disabled by the driver's option enabled");

        host_facts_probe(&facts);
        int r = host_facts_check(&facts, ret_error);
        if (r < 0)
                return r;

        static const char *const programs[] = { PROGRAM_INIT, PROGRAM_HELPER };
        for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
                _cleanup_free_ char *path = program_find(programs[i]);

                if (!path)
                        return error_set(ret_error, ENOENT,
                                "%s is neither beside the driver nor in " LIBEXEC_DIR ": install it again",
                                programs[i]);
        }

        if (fingerprint->connection_error)
                return error_set(ret_error, ENOTCONN, "%s", fingerprint->connection_error);
        return system_bus_check_version(engine_system_bus(fingerprint->engine), ret_error);
}

static void set_string(Driver__Attribute *attribute, char *value) {
        driver__attribute__init(attribute);
        attribute->value_case = DRIVER__ATTRIBUTE__VALUE_STRING_VAL;
        attribute->string_val = value;
}

static void set_bool(Driver__Attribute *attribute, bool value) {
        driver__attribute__init(attribute);
        attribute->value_case = DRIVER__ATTRIBUTE__VALUE_BOOL_VAL;
        attribute->bool_val = value;
}

static void fingerprint_send_to(const Fingerprint *fingerprint, RpcCall *call) {
        char names[][sizeof(ATTRIBUTE_PREFIX ".version")] = {
                ATTRIBUTE_PREFIX,
                ATTRIBUTE_PREFIX ".version",
                ATTRIBUTE_PREFIX ".volumes",
        };
        char healthy[] = "Healthy", empty[] = "";
        Driver__FingerprintResponse__AttributesEntry entries[ELEMENTSOF(names)];
        Driver__FingerprintResponse__AttributesEntry *pointers[ELEMENTSOF(names)];
        Driver__Attribute attributes[ELEMENTSOF(names)];
        Driver__FingerprintResponse response = DRIVER__FINGERPRINT_RESPONSE__INIT;
        _cleanup_error_ Error *error = NULL;
        _cleanup_free_ char *version = xasprintf(
                "%u", system_bus_version(engine_system_bus(fingerprint->engine)));
        bool detected = fingerprint_check(fingerprint, &error) >= 0;

        /* Nomad removes an attribute only when the driver sends an empty one of that name. */
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                set_string(&attributes[i], empty);
                driver__fingerprint_response__attributes_entry__init(&entries[i]);
                entries[i].key = names[i];
                entries[i].value = &attributes[i];
                pointers[i] = &entries[i];
        }
        if (detected) {
                set_bool(&attributes[0], true);
                set_string(&attributes[1], version);
                set_bool(&attributes[2], fingerprint->config->volumes);
        }

        response.n_attributes = ELEMENTSOF(names);
        response.attributes = pointers;
        response.health = detected ? DRIVER__FINGERPRINT_RESPONSE__HEALTH_STATE__HEALTHY
                                   : DRIVER__FINGERPRINT_RESPONSE__HEALTH_STATE__UNDETECTED;
        response.health_description = detected ? healthy : (char *) (uintptr_t) error_message(error);
        (void) rpc_call_send(call, &response.base);
}

void fingerprint_send(Fingerprint *fingerprint) {
        const Subscriber *subscriber;

        /* Nomad believes the first fingerprint that it gets. So wait: systemd answers in milliseconds. */
        if (!fingerprint->connection_known)
                return;

        LIST_FOREACH (subscriber, &fingerprint->subscribers.list, subscribers)
                fingerprint_send_to(fingerprint, subscriber->call);
}

void fingerprint_subscribe(Fingerprint *fingerprint, RpcCall *call) {
        subscribers_add(&fingerprint->subscribers, call, NULL, NULL);
        if (fingerprint->connection_known)
                fingerprint_send_to(fingerprint, call);
}

bool fingerprint_set_connection(Fingerprint *fingerprint, const Error *error) {
        if (error && streq_null(fingerprint->connection_error, error_message(error)))
                return false;

        fingerprint->connection_known = true;
        string_replace(&fingerprint->connection_error, error ? error_message(error) : NULL);
        fingerprint_send(fingerprint);
        return true;
}

static int on_directory_changed(
        sd_event_source *source _unused_, const struct inotify_event *event, void *userdata) {
        if (event->len > 0 && streq(event->name, "systemd-nspawn"))
                fingerprint_send(userdata);
        return 0;
}

void fingerprint_watch_host(Fingerprint *fingerprint, sd_event *event) {
        for (size_t i = 0; host_program_directories[i] && i < FINGERPRINT_WATCHES_MAX; i++)
                (void) sd_event_add_inotify(event, &fingerprint->watches[i], host_program_directories[i],
                        IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR,
                        on_directory_changed, fingerprint);
}

void fingerprint_deinit(Fingerprint *fingerprint) {
        for (size_t i = 0; i < FINGERPRINT_WATCHES_MAX; i++)
                fingerprint->watches[i] = sd_event_source_disable_unref(fingerprint->watches[i]);
        free(fingerprint->connection_error);
}
