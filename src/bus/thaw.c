/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "bus/error.h"
#include "kernel/cgroup.h"
#include "bus/property-read.h"
#include "bus/retry.h"
#include "bus/thaw.h"
#include "bus/turn.h"

/* How long to wait for the answer, which systemd gives when the kernel has thawed all processes. */
#define LIMIT_USEC (5 * USEC_PER_SEC)

struct Thaw {
        SystemBus *system_bus;
        char *unit;
        char *path;
        char *control_group;
        Turn turn;
        Retry retry;
        sd_bus_slot *slot;
        ThawDone done;
        void *userdata;
};

/*
 * @words: why systemd did not thaw the unit, or NULL; for the message only. The outcome depends on whether
 *         something is still frozen.
 */
static void thaw_finish(Thaw *thaw, const char *words) {
        _cleanup_error_ Error *error = NULL;
        int r = cgroup_thaw(NULL, thaw->control_group);
        _cleanup_free_ char *frozen = cgroup_find_frozen(NULL, thaw->control_group);

        if (frozen && streq(frozen, thaw->control_group))
                (void) error_set(&error, EBUSY, "%s is frozen and cannot be thawed: %s", thaw->unit,
                        words ? words : strerror(-r));
        else if (frozen)
                (void) error_set(&error, EBUSY, "%s is frozen with its slice: systemctl thaw %s", thaw->unit,
                        strrchr(frozen, '/') + 1);
        thaw->done(thaw->userdata, error);
}

static int on_thawed(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        Thaw *thaw = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(m);

        thaw->slot = sd_bus_slot_unref(thaw->slot);
        if (system_bus_is_ready(thaw->system_bus))
                thaw_finish(thaw, bus_error_text(error));
        return 0;
}

static int thaw_ask(Thaw *thaw) {
        sd_bus_message *m = NULL;
        int r = system_bus_new_call(thaw->system_bus, "ThawUnit", &m);

        if (r >= 0)
                r = sd_bus_message_append(m, "s", thaw->unit);
        if (r >= 0)
                r = system_bus_call_message(thaw->system_bus, &thaw->slot, m, on_thawed, thaw, LIMIT_USEC);
        sd_bus_message_unref(m);
        return r;
}

static const PropertyRow control_group_row = { "ControlGroup", "s", property_read_string,
        offsetof(Thaw, control_group) };

static void thaw_begin(void *userdata);

/*
 * systemd did not tell whether the unit is frozen. To stop the unit anyway might hang PID 1, so the question
 * is repeated until RETRY_MANY attempts have failed.
 */
static void thaw_fail(Thaw *thaw, const char *why) {
        _cleanup_error_ Error *error = NULL;

        if (!system_bus_is_ready(thaw->system_bus))
                return;

        retry_later(&thaw->retry, system_bus_event(thaw->system_bus), thaw_begin, thaw);
        if (thaw->retry.n_failed < RETRY_MANY)
                return;
        retry_clear(&thaw->retry);
        (void) error_set(&error, EBUSY, "systemd does not tell whether %s is frozen: %s", thaw->unit, why);
        thaw->done(thaw->userdata, error);
}

static int on_control_group(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        Thaw *thaw = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(m);

        thaw->slot = sd_bus_slot_unref(thaw->slot);
        turn_end(&thaw->turn);

        /* A unit that systemd does not have is not frozen either. */
        int r = error ? 0 : property_read(m, &control_group_row, thaw);
        if ((error && !system_bus_has_no_unit(error)) || r < 0) {
                thaw_fail(thaw, error ? bus_error_text(error) : strerror(-r));
                return 0;
        }

        _cleanup_free_ char *frozen = cgroup_find_frozen(NULL, thaw->control_group);
        /*
         * If a slice is frozen, systemd is not asked: before 256 it would thaw the unit's slices too, with
         * all that is in them.
         */
        bool own = frozen && streq(frozen, thaw->control_group);
        r = own ? thaw_ask(thaw) : 0;
        if (!own || r < 0)
                thaw_finish(thaw, r < 0 ? strerror(-r) : NULL);
        return 0;
}

static void thaw_read(void *userdata) {
        Thaw *thaw = userdata;
        int r = system_bus_call(thaw->system_bus, &thaw->slot, SYSTEMD_DESTINATION, thaw->path,
                PROPERTIES_INTERFACE, "Get", on_control_group, thaw, "ss",
                "org.freedesktop.systemd1.Service", "ControlGroup");

        if (r < 0) {
                turn_end(&thaw->turn);
                retry_later(&thaw->retry, system_bus_event(thaw->system_bus), thaw_begin, thaw);
        }
}

static void thaw_begin(void *userdata) {
        Thaw *thaw = userdata;

        turn_take(&thaw->turn, thaw->system_bus, thaw_read, thaw);
}

int thaw_new(SystemBus *system_bus, const char *unit, ThawDone done, void *userdata, Thaw **ret) {
        _cleanup_(thaw_freep) Thaw *thaw = xnew(Thaw, 1);

        if (!system_bus_is_ready(system_bus))
                return -ENOTCONN;

        thaw->system_bus = system_bus;
        thaw->unit = xstrdup(unit);
        thaw->done = done;
        thaw->userdata = userdata;
        int r = sd_bus_path_encode(SYSTEMD_UNITS, unit, &thaw->path);
        if (r < 0)
                return r;

        *ret = thaw;
        thaw_begin(TAKE_PTR(thaw));
        return 0;
}

Thaw *thaw_free(Thaw *thaw) {
        if (!thaw)
                return NULL;

        sd_bus_slot_unref(thaw->slot);
        turn_end(&thaw->turn);
        retry_clear(&thaw->retry);
        free(thaw->unit);
        free(thaw->path);
        free(thaw->control_group);
        free(thaw);
        return NULL;
}
