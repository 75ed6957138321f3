/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>

#include "bus/system-bus.h"

/* The calls of system-bus.h. */

int system_bus_error(int r) {
        static const int dead[] = { -ENOTCONN, -ECONNRESET, -EPIPE, -ESHUTDOWN };

        for (size_t i = 0; i < ELEMENTSOF(dead); i++)
                if (r == dead[i])
                        return -ENOTCONN;
        return r;
}

int system_bus_new_call(SystemBus *system_bus, const char *method, sd_bus_message **ret) {
        if (!system_bus_is_ready(system_bus))
                return -ENOTCONN;
        return sd_bus_message_new_method_call(system_bus_connection(system_bus), ret, SYSTEMD_DESTINATION,
                SYSTEMD_PATH, SYSTEMD_MANAGER, method);
}

int system_bus_send(SystemBus *system_bus, const char *method, const char *types, ...) {
        sd_bus_message *m;
        va_list ap;
        int r;

        r = system_bus_new_call(system_bus, method, &m);
        if (r < 0)
                return r;

        va_start(ap, types);
        r = sd_bus_message_appendv(m, types, ap);
        va_end(ap);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, false);
        if (r >= 0)
                r = sd_bus_send(system_bus_connection(system_bus), m, NULL);
        sd_bus_message_unref(m);
        return r < 0 ? system_bus_error(r) : 0;
}

int system_bus_call_message(SystemBus *system_bus, sd_bus_slot **ret_slot, sd_bus_message *call,
        sd_bus_message_handler_t callback, void *userdata, uint64_t limit_usec) {
        if (!system_bus_is_ready(system_bus))
                return -ENOTCONN;

        int r = sd_bus_call_async(
                system_bus_connection(system_bus), ret_slot, call, callback, userdata, limit_usec);
        return r < 0 ? system_bus_error(r) : 0;
}

int system_bus_call(SystemBus *system_bus, sd_bus_slot **ret_slot, const char *destination, const char *path,
        const char *interface, const char *method, sd_bus_message_handler_t callback, void *userdata,
        const char *types, ...) {
        va_list ap;
        int r;

        if (!system_bus_is_ready(system_bus))
                return -ENOTCONN;

        va_start(ap, types);
        r = sd_bus_call_method_asyncv(system_bus_connection(system_bus), ret_slot, destination, path,
                interface, method, callback, userdata, types, ap);
        va_end(ap);
        return r < 0 ? system_bus_error(r) : 0;
}

bool system_bus_has_no_unit(const sd_bus_error *error) {
        return sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_OBJECT) ||
                sd_bus_error_has_name(error, "org.freedesktop.systemd1.NoSuchUnit");
}
