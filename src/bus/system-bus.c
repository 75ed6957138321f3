/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/string.h"
#include "bus/property-read.h"
#include "bus/system-bus.h"
#include "loop/must.h"

/*
 * First and longest pause before connecting again: the connection is ready within a second after the bus is
 * back.
 */
#define RECONNECT_MIN_USEC (50 * USEC_PER_MSEC)
#define RECONNECT_MAX_USEC (400 * USEC_PER_MSEC)

/*
 * systemd answers a call in milliseconds, but may reload first. A call that takes longer than this is lost.
 */
#define CALL_TIMEOUT_USEC (90 * USEC_PER_SEC)

/* How long system_bus_free() may take to send queued messages: a quarter of a second. */
#define FLUSH_LIMIT_USEC (250 * USEC_PER_MSEC)

/* Calls that must be answered before the connection is ready. */
typedef enum Question {
        QUESTION_SUBSCRIBE,
        QUESTION_VERSION,
        QUESTION_NAMES,
        _QUESTION_MAX,
} Question;

struct SystemBus {
        sd_event *event;
        char *address;
        sd_bus *bus;
        sd_bus_slot *slots[_QUESTION_MAX];
        sd_bus_slot *disconnected;
        sd_event_source *reconnect;
        sd_event_source *given_up; /* an observer could not work with the connection */
        uint64_t pause_usec;
        unsigned unanswered;
        bool opened; /* all questions are answered, and observers were called */
        bool has_machined;
        unsigned version;
        SystemBusChanged changed;
        void *userdata;
        BusObservers observers;
        LIST_HEAD(, BusShare) shares;
};

typedef struct BusShare {
        LIST_ENTRY(BusShare) shares;
        const BusShareType *type;
        BusObserver observer;
        max_align_t object[];
} BusShare;

static void system_bus_connect(SystemBus *system_bus);

static int on_reconnect(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        system_bus_connect(userdata);
        return 0;
}

static void system_bus_close(SystemBus *system_bus) {
        for (size_t i = 0; i < _QUESTION_MAX; i++)
                system_bus->slots[i] = sd_bus_slot_unref(system_bus->slots[i]);
        system_bus->disconnected = sd_bus_slot_unref(system_bus->disconnected);
        system_bus->given_up = sd_event_source_disable_unref(system_bus->given_up);
        system_bus->bus = sd_bus_close_unref(system_bus->bus);
        system_bus->opened = false;
        system_bus->unanswered = 0;
}

static void system_bus_lose(SystemBus *system_bus, int code, const char *what) {
        const bool was_open = system_bus->opened;
        _cleanup_error_ Error *error = NULL;

        system_bus_close(system_bus);
        event_must(sd_event_add_time_relative(system_bus->event, &system_bus->reconnect, CLOCK_MONOTONIC,
                system_bus->pause_usec, 0, on_reconnect, system_bus));
        system_bus->pause_usec = system_bus->pause_usec * 2 < RECONNECT_MAX_USEC ? system_bus->pause_usec * 2
                                                                                 : RECONNECT_MAX_USEC;

        (void) error_set(&error, code, "%s: %s", what, strerror(abs(code)));
        if (was_open)
                bus_observers_lose(&system_bus->observers);
        system_bus->changed(system_bus->userdata, error);
}

static int on_disconnected(sd_bus_message *m _unused_, void *userdata, sd_bus_error *error _unused_) {
        system_bus_lose(userdata, ECONNRESET, "lost the connection to the system bus");
        return 0;
}

/* Return: 0 or a negative errno, as read_names(). */
static int read_version(SystemBus *system_bus, sd_bus_message *m) {
        static const PropertyRow row = { "Version", "s", property_read_string, 0 };
        _cleanup_free_ char *version = NULL;

        int r = property_read(m, &row, &version);
        if (r < 0)
                return r;

        /* "252.39-1~deb12u1" on Debian, "v257-1" elsewhere */
        system_bus->version = (unsigned) strtoul(version + strcspn(version, "0123456789"), NULL, 10);
        return system_bus->version > 0 ? 0 : -EBADMSG;
}

static int read_names(SystemBus *system_bus, sd_bus_message *m) {
        const char *name;
        int r;

        system_bus->has_machined = false;
        r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(m, "s", &name)) > 0)
                system_bus->has_machined = system_bus->has_machined ||
                        streq(name, "org.freedesktop.machine1");
        return r < 0 ? r : 0;
}

static void on_answer(SystemBus *system_bus, Question question, sd_bus_message *m) {
        system_bus->slots[question] = sd_bus_slot_unref(system_bus->slots[question]);

        if (sd_bus_message_is_method_error(m, NULL)) {
                system_bus_lose(system_bus, sd_bus_message_get_errno(m),
                        "systemd does not answer on the system bus");
                return;
        }

        int r = question == QUESTION_VERSION ? read_version(system_bus, m)
                : question == QUESTION_NAMES ? read_names(system_bus, m)
                                             : 0;
        if (r < 0) {
                system_bus_lose(system_bus, r, "the answer of systemd or the system bus cannot be read");
                return;
        }

        if (--system_bus->unanswered > 0)
                return;

        system_bus->opened = true;
        system_bus->pause_usec = RECONNECT_MIN_USEC;
        r = bus_observers_open(&system_bus->observers, system_bus->bus);
        if (r < 0)
                system_bus_lose(system_bus, r, "cannot work with the connection to the system bus");
        else
                system_bus->changed(system_bus->userdata, NULL);
}

static int on_subscribed(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        on_answer(userdata, QUESTION_SUBSCRIBE, m);
        return 0;
}

static int on_version(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        on_answer(userdata, QUESTION_VERSION, m);
        return 0;
}

static int on_names(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        on_answer(userdata, QUESTION_NAMES, m);
        return 0;
}

static int system_bus_open_bus(SystemBus *system_bus) {
        sd_bus *bus;
        int r;

        if (!system_bus->address)
                return sd_bus_open_system(&system_bus->bus);

        r = sd_bus_new(&bus);
        if (r < 0)
                return r;

        system_bus->bus = bus;
        r = sd_bus_set_address(bus, system_bus->address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, true);
        if (r >= 0)
                r = sd_bus_start(bus);
        return r;
}

static int system_bus_ask(SystemBus *system_bus) {
        int r;

        r = sd_bus_match_signal_async(system_bus->bus, &system_bus->disconnected,
                "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                "Disconnected", on_disconnected, NULL, system_bus);
        if (r >= 0)
                r = sd_bus_call_method_async(system_bus->bus, &system_bus->slots[QUESTION_SUBSCRIBE],
                        SYSTEMD_DESTINATION, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe", on_subscribed,
                        system_bus, NULL);
        if (r >= 0)
                r = sd_bus_call_method_async(system_bus->bus, &system_bus->slots[QUESTION_VERSION],
                        SYSTEMD_DESTINATION, SYSTEMD_PATH, PROPERTIES_INTERFACE, "Get", on_version,
                        system_bus, "ss", SYSTEMD_MANAGER, "Version");
        if (r >= 0)
                r = sd_bus_call_method_async(system_bus->bus, &system_bus->slots[QUESTION_NAMES],
                        "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                        "ListActivatableNames", on_names, system_bus, NULL);
        system_bus->unanswered = _QUESTION_MAX;
        return r;
}

static void system_bus_connect(SystemBus *system_bus) {
        int r;

        system_bus->reconnect = sd_event_source_disable_unref(system_bus->reconnect);

        r = system_bus_open_bus(system_bus);
        if (r >= 0)
                r = sd_bus_attach_event(system_bus->bus, system_bus->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(system_bus->bus, CALL_TIMEOUT_USEC);
        if (r >= 0)
                r = system_bus_ask(system_bus);
        if (r < 0)
                system_bus_lose(system_bus, r, "cannot connect to the system bus");
}

static int on_first_connect(sd_event_source *source _unused_, void *userdata) {
        system_bus_connect(userdata);
        return 0;
}

SystemBus *system_bus_new(sd_event *event, const char *address, SystemBusChanged changed, void *userdata) {
        SystemBus *system_bus = xnew(SystemBus, 1);

        system_bus->event = sd_event_ref(event);
        system_bus->address = xstrdup_null(address);
        system_bus->pause_usec = RECONNECT_MIN_USEC;
        system_bus->changed = changed;
        system_bus->userdata = userdata;
        LIST_INIT(&system_bus->observers.list);
        LIST_INIT(&system_bus->shares);

        /* Connects from the loop, so that @changed is not called before the caller has the pointer. */
        event_must(sd_event_add_defer(event, &system_bus->reconnect, on_first_connect, system_bus));
        return system_bus;
}

static void system_bus_clear_shares(SystemBus *system_bus) {
        BusShare *share;

        while ((share = LIST_FIRST(&system_bus->shares))) {
                LIST_REMOVE(share, shares);
                if (share->type->clear)
                        share->type->clear(share->object);
                free(share);
        }
}

/*
 * sd_bus_flush() would wait for as long as the bus does not read. Messages are in the queue only when the
 * bus did not take them at once; sd_bus_process() writes them when there is room. Callers have freed their
 * calls by now, so sd_bus_process() calls no callback.
 */
static void system_bus_flush(SystemBus *system_bus) {
        const uint64_t end = clock_monotonic_usec() + FLUSH_LIMIT_USEC;
        uint64_t n_queued, now;

        while (system_bus_is_ready(system_bus) &&
                sd_bus_get_n_queued_write(system_bus->bus, &n_queued) >= 0 && n_queued > 0 &&
                (now = clock_monotonic_usec()) < end) {
                struct pollfd pollfd = { .fd = sd_bus_get_fd(system_bus->bus), .events = POLLOUT };
                const struct timespec rest = { .tv_nsec = (long) ((end - now) * NSEC_PER_USEC) };

                if (ppoll(&pollfd, 1, &rest, NULL) > 0 && sd_bus_process(system_bus->bus, NULL) < 0)
                        return;
        }
}

SystemBus *system_bus_free(SystemBus *system_bus) {
        if (!system_bus)
                return NULL;

        bus_observers_clear(&system_bus->observers);
        system_bus_clear_shares(system_bus);
        system_bus->reconnect = sd_event_source_disable_unref(system_bus->reconnect);
        system_bus_flush(system_bus);
        system_bus_close(system_bus);
        sd_event_unref(system_bus->event);
        free(system_bus->address);
        free(system_bus);
        return NULL;
}

sd_bus *system_bus_connection(SystemBus *system_bus) {
        return system_bus->bus;
}

sd_event *system_bus_event(SystemBus *system_bus) {
        return system_bus->event;
}

bool system_bus_is_ready(const SystemBus *system_bus) {
        return system_bus->opened && sd_bus_is_open(system_bus->bus) > 0;
}

unsigned system_bus_version(const SystemBus *system_bus) {
        return system_bus->version;
}

int system_bus_check_version(const SystemBus *system_bus, Error **ret_error) {
        if (system_bus->version >= SYSTEMD_VERSION_MIN)
                return 0;
        return error_set(ret_error, ENOTSUP, "this host has systemd %u; %d or newer is needed",
                system_bus->version, SYSTEMD_VERSION_MIN);
}

bool system_bus_has_machined(const SystemBus *system_bus) {
        return system_bus->has_machined;
}

static int on_given_up(sd_event_source *source _unused_, void *userdata) {
        system_bus_lose(userdata, EIO, "cannot work with the connection to the system bus");
        return 0;
}

void system_bus_observe(SystemBus *system_bus, BusObserver *observer, const BusObserverCallbacks *callbacks,
        void *userdata) {
        bus_observers_add(&system_bus->observers, observer, callbacks, userdata);
        if (system_bus->opened && callbacks->opened && callbacks->opened(userdata, system_bus->bus) < 0 &&
                !system_bus->given_up)
                event_must(sd_event_add_defer(
                        system_bus->event, &system_bus->given_up, on_given_up, system_bus));
}

void *system_bus_share(SystemBus *system_bus, const BusShareType *type) {
        BusShare *share;

        LIST_FOREACH (share, &system_bus->shares, shares)
                if (share->type == type)
                        return share->object;

        share = xcalloc(1, sizeof(*share) + type->size);
        share->type = type;
        LIST_INSERT_HEAD(&system_bus->shares, share, shares);
        if (type->init)
                type->init(share->object, system_bus);
        system_bus_observe(system_bus, &share->observer, &type->observer, share->object);
        return share->object;
}
