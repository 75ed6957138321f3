/* SPDX-License-Identifier: Apache-2.0 */

#include <systemd/sd-bus.h>

#include "bus.h"

#define DBUS "org.freedesktop.DBus"
#define DBUS_PATH "/org/freedesktop/DBus"
#define SYSTEM_BUS "unix:path=/run/dbus/system_bus_socket"

struct BusCounter {
        sd_bus *bus;
        char *name; /* unique name of the process */
};

/* Return: the unique name that a process has on the bus. */
static char *find_name(pid_t pid) {
        sd_bus_message *reply = NULL, *owner = NULL;
        char *found = NULL;
        const char *name;
        sd_bus *bus = NULL;
        uint32_t owner_pid;

        cr_assert_geq(sd_bus_open_system(&bus), 0);
        cr_assert_geq(sd_bus_call_method(bus, DBUS, DBUS_PATH, DBUS, "ListNames", NULL, &reply, NULL), 0);
        cr_assert_geq(sd_bus_message_enter_container(reply, 'a', "s"), 0);
        while (!found && sd_bus_message_read(reply, "s", &name) > 0) {
                if (name[0] != ':' ||
                        sd_bus_call_method(bus, DBUS, DBUS_PATH, DBUS, "GetConnectionUnixProcessID", NULL,
                                &owner, "s", name) < 0)
                        continue;
                if (sd_bus_message_read(owner, "u", &owner_pid) > 0 && (pid_t) owner_pid == pid)
                        found = xstrdup(name);
                owner = sd_bus_message_unref(owner);
        }
        sd_bus_message_unref(reply);
        sd_bus_flush_close_unref(bus);
        cr_assert_not_null(found, "process %d is not on the bus", pid);
        return found;
}

BusCounter *bus_counter_new(pid_t pid) {
        BusCounter *counter = xnew(BusCounter, 1);

        counter->name = find_name(pid);
        _cleanup_free_ char *from = xasprintf("sender='%s'", counter->name),
                            *to = xasprintf("destination='%s'", counter->name);
        cr_assert_geq(sd_bus_new(&counter->bus), 0);
        cr_assert_geq(sd_bus_set_address(counter->bus, SYSTEM_BUS), 0);
        cr_assert_geq(sd_bus_set_bus_client(counter->bus, true), 0);
        cr_assert_geq(sd_bus_set_monitor(counter->bus, true), 0);
        cr_assert_geq(sd_bus_start(counter->bus), 0);
        cr_assert_geq(sd_bus_call_method(counter->bus, DBUS, DBUS_PATH, DBUS ".Monitoring", "BecomeMonitor",
                              NULL, NULL, "asu", 2, from, to, 0),
                0);
        return counter;
}

BusCounter *bus_counter_free(BusCounter *counter) {
        if (!counter)
                return NULL;

        sd_bus_close_unref(counter->bus);
        free(counter->name);
        free(counter);
        return NULL;
}

unsigned bus_counter_take(BusCounter *counter) {
        sd_bus_message *m = NULL;
        unsigned n = 0;

        while (sd_bus_process(counter->bus, &m) > 0) {
                if (m)
                        n += streq_null(sd_bus_message_get_sender(m), counter->name) ||
                                streq_null(sd_bus_message_get_destination(m), counter->name);
                m = sd_bus_message_unref(m);
        }
        return n;
}
