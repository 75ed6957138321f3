/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "bus/property-read.h"
#include "bus/thaw.h"
#include "bus/turn.h"
#include "bus/unit.h"
#include "bus/signal-match.h"

#define INTERFACE_UNIT "org.freedesktop.systemd1.Unit"

/* systemd is back on the bus in less when it executes itself anew. */
#define RETRY_USEC (200 * USEC_PER_MSEC)

struct Unit {
        SystemBus *system_bus;
        char *name;
        char *path;
        SignalMatch watch;
        sd_bus_slot *read;
        Turn turn; /* to read */
        sd_event_source *retry;
        bool again;        /* something changed while reading */
        UnitStatus status; /* as the signals told */
        const UnitCallbacks *callbacks;
        void *userdata;
        Thaw *thaw;
        bool stops; /* when it is thawed */
        int signal; /* the same; 0 for none */
};

void unit_status_clear(UnitStatus *status) {
        free(status->load_state);
        free(status->active_state);
        free(status->sub_state);
        free(status->result);
        free(status->status_text);
        free(status->control_group);
        free(status->invocation_id);
        *status = (UnitStatus){};
}

bool unit_status_is_dead(const UnitStatus *status) {
        return status->job_id == 0 &&
                (streq_null(status->active_state, "inactive") || streq_null(status->active_state, "failed"));
}

bool unit_status_is_restarting(const UnitStatus *status) {
        /* "auto-restart-queued" since systemd 254. */
        return status->sub_state && string_after_prefix(status->sub_state, "auto-restart");
}

bool unit_status_is_up(const UnitStatus *status) {
        return status->main_pid > 0 && !streq_null(status->active_state, "activating") &&
                !unit_status_is_dead(status);
}

static int read_job(sd_bus_message *m, void *member) {
        return sd_bus_message_read(m, "(uo)", member, NULL);
}

static const PropertyRow status_rows[] = {
        { "LoadState", "s", property_read_string, offsetof(UnitStatus, load_state) },
        { "ActiveState", "s", property_read_string, offsetof(UnitStatus, active_state) },
        { "SubState", "s", property_read_string, offsetof(UnitStatus, sub_state) },
        { "Result", "s", property_read_string, offsetof(UnitStatus, result) },
        { "StatusText", "s", property_read_string, offsetof(UnitStatus, status_text) },
        { "ControlGroup", "s", property_read_string, offsetof(UnitStatus, control_group) },
        { "InvocationID", "ay", property_read_id128, offsetof(UnitStatus, invocation_id) },
        { "Job", "(uo)", read_job, offsetof(UnitStatus, job_id) },
        { "MainPID", "u", property_read_u32, offsetof(UnitStatus, main_pid) },
        { "NRestarts", "u", property_read_u32, offsetof(UnitStatus, n_restarts) },
        { "ExecMainCode", "i", property_read_i32, offsetof(UnitStatus, exec_main_code) },
        { "ExecMainStatus", "i", property_read_i32, offsetof(UnitStatus, exec_main_status) },
        { "ExecMainExitTimestamp", "t", property_read_u64, offsetof(UnitStatus, exit_usec) },
        { "ActiveEnterTimestamp", "t", property_read_u64, offsetof(UnitStatus, active_enter_usec) },
};

static int read_status(sd_bus_message *m, UnitStatus *status) {
        return properties_read(m, status_rows, ELEMENTSOF(status_rows), status);
}

/* What is said while systemd executes itself anew, or is too busy: it says nothing of the unit. */
static bool is_passing(const sd_bus_error *error) {
        static const char *const names[] = {
                SD_BUS_ERROR_NO_REPLY,
                SD_BUS_ERROR_TIMEOUT,
                SD_BUS_ERROR_SERVICE_UNKNOWN,
                SD_BUS_ERROR_NAME_HAS_NO_OWNER,
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (sd_bus_error_has_name(error, names[i]))
                        return true;
        return false;
}

static int on_retry(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Unit *unit = userdata;

        unit->retry = sd_event_source_disable_unref(unit->retry);
        unit_refresh(unit);
        return 0;
}

static int unit_retry(Unit *unit) {
        unit->retry = sd_event_source_disable_unref(unit->retry);
        return sd_event_add_time_relative(system_bus_event(unit->system_bus), &unit->retry, CLOCK_MONOTONIC,
                RETRY_USEC, 0, on_retry, unit);
}

static int on_read(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        Unit *unit = userdata;
        UnitStatus status = {};
        sd_bus_error unreadable = SD_BUS_ERROR_MAKE_CONST(
                SD_BUS_ERROR_INCONSISTENT_MESSAGE, "systemd's answer could not be read");
        const sd_bus_error *error = sd_bus_message_get_error(m);

        unit->read = sd_bus_slot_unref(unit->read);
        turn_end(&unit->turn);

        /* Cut off, with an answer that libsystemd made up: it says nothing of the unit. */
        if (error && sd_bus_is_open(system_bus_connection(unit->system_bus)) <= 0)
                return 0;

        if (unit->again) {
                unit->again = false;
                unit_refresh(unit);
                return 0;
        }

        if (error && is_passing(error) && unit_retry(unit) >= 0)
                return 0;

        if (!error && read_status(m, &status) < 0)
                error = &unreadable;
        if (error) {
                unit_status_clear(&status);
                unit->callbacks->changed(unit->userdata, NULL, error);
                return 0;
        }

        unit_status_clear(&unit->status);
        unit->status = status;
        unit->callbacks->changed(unit->userdata, &unit->status, NULL);
        return 0;
}

static void unit_read(void *userdata) {
        Unit *unit = userdata;
        int r;

        /* An empty interface name asks for the properties of all interfaces at once. */
        r = sd_bus_call_method_async(system_bus_connection(unit->system_bus), &unit->read,
                SYSTEMD_DESTINATION, unit->path, PROPERTIES_INTERFACE, "GetAll", on_read, unit, "s", "");
        if (r < 0) {
                sd_bus_error error = SD_BUS_ERROR_NULL;
                sd_bus_error_set_errno(&error, r);
                turn_end(&unit->turn);
                unit->callbacks->changed(unit->userdata, NULL, &error);
                sd_bus_error_free(&error);
        }
}

void unit_refresh(Unit *unit) {
        if (unit->read)
                unit->again = true;
        else if (!turn_is_waiting(&unit->turn))
                turn_take(&unit->turn, unit->system_bus, unit_read, unit);
}

/*
 * Of one change the service's signal comes first, the unit's second: only then the status is whole. Bodies
 * suffice while the unit is up. An end is read anew, for an automatic restart passes through inactive too.
 */
static void on_changed(void *userdata, sd_bus_message *m) {
        Unit *unit = userdata;
        const char *interface;

        if (unit->read || turn_is_waiting(&unit->turn)) {
                unit->again = unit->read != NULL;
                return;
        }

        if (sd_bus_message_read_basic(m, 's', &interface) <= 0 || read_status(m, &unit->status) < 0) {
                unit_refresh(unit);
                return;
        }

        if (!streq(interface, INTERFACE_UNIT))
                return;

        if (streq_null(unit->status.active_state, "inactive") ||
                streq_null(unit->status.active_state, "failed"))
                unit_refresh(unit);
        else
                unit->callbacks->changed(unit->userdata, &unit->status, NULL);
}

int unit_new(SystemBus *system_bus, const char *name, const UnitCallbacks *callbacks, void *userdata,
        Unit **ret) {
        Unit *unit;
        int r;

        if (!system_bus_is_ready(system_bus))
                return -ENOTCONN;

        unit = xnew(Unit, 1);
        unit->system_bus = system_bus;
        unit->name = xstrdup(name);
        unit->callbacks = callbacks;
        unit->userdata = userdata;

        r = sd_bus_path_encode(SYSTEMD_UNITS, name, &unit->path);
        if (r >= 0)
                r = signal_match_begin(&unit->watch, system_bus, unit->path, on_changed, unit);
        if (r < 0) {
                unit_free(unit);
                return r;
        }

        *ret = unit;
        return 0;
}

Unit *unit_free(Unit *unit) {
        if (!unit)
                return NULL;

        signal_match_end(&unit->watch);
        thaw_free(unit->thaw);
        sd_bus_slot_unref(unit->read);
        turn_end(&unit->turn);
        sd_event_source_disable_unref(unit->retry);
        unit_status_clear(&unit->status);
        free(unit->name);
        free(unit->path);
        free(unit);
        return NULL;
}

const char *unit_name(const Unit *unit) {
        return unit->name;
}

int unit_pin(Unit *unit) {
        return system_bus_send(unit->system_bus, "RefUnit", "s", unit->name);
}

void unit_unpin(Unit *unit) {
        (void) system_bus_send(unit->system_bus, "UnrefUnit", "s", unit->name);
}

static void on_thawed(void *userdata, const Error *error) {
        Unit *unit = userdata;
        const bool stops = unit->stops;
        const int signal = unit->signal;

        unit->thaw = thaw_free(unit->thaw);
        unit->stops = false;
        unit->signal = 0;
        if (error) {
                if (unit->callbacks->frozen)
                        unit->callbacks->frozen(unit->userdata, error);
                return;
        }

        if (stops)
                (void) system_bus_send(unit->system_bus, "StopUnit", "ss", unit->name, "replace");
        if (signal)
                (void) system_bus_send(unit->system_bus, "KillUnit", "ssi", unit->name, "all", signal);
}

int unit_thaw(Unit *unit) {
        return unit->thaw ? 0 : thaw_new(unit->system_bus, unit->name, on_thawed, unit, &unit->thaw);
}

int unit_stop(Unit *unit) {
        unit->stops = true;
        return unit_thaw(unit);
}

int unit_kill_all(Unit *unit, int signal) {
        unit->signal = signal;
        return unit_thaw(unit);
}
