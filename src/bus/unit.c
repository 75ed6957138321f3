/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "base/string.h"
#include "bus/error.h"
#include "bus/property-read.h"
#include "bus/thaw.h"
#include "bus/turn.h"
#include "bus/unit.h"
#include "bus/retry.h"
#include "bus/signal-match.h"

#define INTERFACE_UNIT "org.freedesktop.systemd1.Unit"

struct Unit {
        SystemBus *system_bus;
        char *name;
        char *path;
        BusObserver observer;
        SignalMatch match; /* begun while there is a connection */
        bool wanted;       /* the owner waits for a status */
        bool again;        /* something changed during the read under way: its answer may be too old */
        sd_bus_slot *read; /* under way */
        Turn turn;         /* to read */
        Retry retry;
        UnitStatus status; /* as read last, and updated by signals */
        const UnitCallbacks *callbacks;
        void *userdata;
        Thaw *thaw;
        bool stops; /* is to be stopped once it is thawed */
        int signal; /* to be sent then; 0 for none */
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

bool unit_status_is_gone(const UnitStatus *status) {
        return unit_status_is_dead(status) && streq_null(status->load_state, "not-found");
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

static void unit_read(void *userdata);

static void unit_ask(void *userdata) {
        Unit *unit = userdata;

        retry_now(&unit->retry);
        if (!turn_is_waiting(&unit->turn) && !unit->read)
                turn_take(&unit->turn, unit->system_bus, unit_read, unit);
}

/* Must be the last access to @unit, because its owner may free it in the callback. */
static void unit_tell(Unit *unit) {
        unit->wanted = false;
        retry_clear(&unit->retry);
        unit->callbacks->changed(unit->userdata, &unit->status);
}

/* A read failed, so nothing is known of the unit. A loss of the connection is handled by on_bus_lost(). */
static void unit_fail(Unit *unit, int code, const char *why) {
        _cleanup_error_ Error *error = NULL;

        if (!system_bus_is_ready(unit->system_bus))
                return;

        retry_later(&unit->retry, system_bus_event(unit->system_bus), unit_ask, unit);
        if (unit->retry.n_failed != RETRY_MANY || !unit->callbacks->unreadable)
                return;
        (void) error_set(&error, code, "systemd does not tell the state of %s: %s", unit->name, why);
        unit->callbacks->unreadable(unit->userdata, error);
}

static bool status_is_whole(const UnitStatus *status) {
        return status->load_state && status->active_state;
}

static int on_read(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        Unit *unit = userdata;
        UnitStatus status = {};
        const sd_bus_error *error = sd_bus_message_get_error(m);

        unit->read = sd_bus_slot_unref(unit->read);
        turn_end(&unit->turn);

        if (unit->again) {
                unit->again = false;
                unit_ask(unit);
                return 0;
        }

        if (error && !system_bus_has_no_unit(error)) {
                unit_fail(unit, EIO, bus_error_text(error));
                return 0;
        }

        if (error) {
                status.load_state = xstrdup("not-found");
                status.active_state = xstrdup("inactive");
                status.sub_state = xstrdup("dead");
        } else if (read_status(m, &status) < 0 || !status_is_whole(&status)) {
                unit_status_clear(&status);
                unit_fail(unit, EBADMSG, "its answer could not be read");
                return 0;
        }

        unit_status_clear(&unit->status);
        unit->status = status;
        unit_tell(unit);
        return 0;
}

static void unit_read(void *userdata) {
        Unit *unit = userdata;
        /* An empty interface name asks for the properties of all interfaces at once. */
        int r = system_bus_call(unit->system_bus, &unit->read, SYSTEMD_DESTINATION, unit->path,
                PROPERTIES_INTERFACE, "GetAll", on_read, unit, "s", "");

        if (r < 0) {
                turn_end(&unit->turn);
                if (system_bus_is_ready(unit->system_bus))
                        retry_later(&unit->retry, system_bus_event(unit->system_bus), unit_ask, unit);
        }
}

void unit_refresh(Unit *unit) {
        unit->wanted = true;
        unit->again = unit->read != NULL;
        if (unit->match.matches)
                unit_ask(unit);
}

/*
 * For each change, systemd sends the signal of the interface Service first and that of the interface Unit
 * second: only then is the status complete. While the unit is up, the signals contain all that is needed. An
 * end is read from systemd, since an automatic restart passes through inactive too.
 */
static void on_changed(void *userdata, sd_bus_message *m) {
        Unit *unit = userdata;
        const char *interface;

        if (unit->wanted) {
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
                unit_tell(unit);
}

static void unit_forget_calls(Unit *unit) {
        signal_match_end(&unit->match);
        unit->thaw = thaw_free(unit->thaw);
        unit->stops = false;
        unit->signal = 0;
        unit->read = sd_bus_slot_unref(unit->read);
        unit->again = false;
        turn_end(&unit->turn);
        retry_clear(&unit->retry);
}

/* Clears the status: the next signals must not be mixed with what was known before the loss. */
static void on_bus_lost(void *userdata) {
        Unit *unit = userdata;

        unit_forget_calls(unit);
        unit_status_clear(&unit->status);
}

/* The match begins before the read, so that no change after the read is missed. */
static int on_bus_opened(void *userdata, sd_bus *bus _unused_) {
        Unit *unit = userdata;
        int r = signal_match_begin(&unit->match, unit->system_bus, unit->path, on_changed, unit);

        if (r >= 0 && unit->wanted)
                unit_ask(unit);
        return r;
}

Unit *unit_new(SystemBus *system_bus, const char *name, const UnitCallbacks *callbacks, void *userdata) {
        static const BusObserverCallbacks observer_callbacks = { on_bus_opened, on_bus_lost };
        Unit *unit = xnew(Unit, 1);

        unit->system_bus = system_bus;
        unit->name = xstrdup(name);
        unit->callbacks = callbacks;
        unit->userdata = userdata;
        if (sd_bus_path_encode(SYSTEMD_UNITS, name, &unit->path) < 0)
                abort(); /* out of memory: any name can be encoded */
        system_bus_observe(system_bus, &unit->observer, &observer_callbacks, unit);
        return unit;
}

Unit *unit_free(Unit *unit) {
        if (!unit)
                return NULL;

        bus_observer_end(&unit->observer);
        unit_forget_calls(unit);
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

/*
 * Without a connection, the request is dropped: when there is one again, the owner may want something else.
 */
static int unit_end(Unit *unit, bool stops, int signal) {
        if (stops)
                unit->stops = true;
        if (signal)
                unit->signal = signal;

        int r = unit_thaw(unit);
        if (r < 0) {
                unit->stops = false;
                unit->signal = 0;
        }
        return r;
}

int unit_stop(Unit *unit) {
        return unit_end(unit, true, 0);
}

int unit_kill_all(Unit *unit, int signal) {
        return unit_end(unit, false, signal);
}
