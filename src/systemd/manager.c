/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/string.h"
#include "systemd/job.h"
#include "systemd/manager.h"
#include "systemd/turn.h"
#include "systemd/watch.h"

/* First and longest pause before connecting again: within a second after the bus is back all is as before.
 */
#define RECONNECT_MIN_USEC (50 * USEC_PER_MSEC)
#define RECONNECT_MAX_USEC (400 * USEC_PER_MSEC)

/* A call of systemd's that takes longer is lost: it answers in milliseconds, but may reload first. */
#define CALL_TIMEOUT_USEC (90 * USEC_PER_SEC)

/* What must be known before the manager is ready. */
typedef enum Question {
        QUESTION_SUBSCRIBE,
        QUESTION_VERSION,
        QUESTION_NAMES,
        _QUESTION_MAX,
} Question;

struct Manager {
        sd_event *event;
        char *address;
        sd_bus *bus;
        sd_bus_slot *slots[_QUESTION_MAX];
        sd_bus_slot *disconnected;
        sd_event_source *reconnect;
        uint64_t pause_usec;
        unsigned unanswered;
        bool ready;
        bool has_machined;
        unsigned version;
        ManagerChanged changed;
        void *userdata;
        Jobs jobs;
        Turns turns;
        Watches watches;
};

static void manager_connect(Manager *manager);

static int on_reconnect(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        manager_connect(userdata);
        return 0;
}

static void manager_close(Manager *manager) {
        for (size_t i = 0; i < _QUESTION_MAX; i++)
                manager->slots[i] = sd_bus_slot_unref(manager->slots[i]);
        jobs_close(&manager->jobs);
        watches_close(&manager->watches);
        manager->disconnected = sd_bus_slot_unref(manager->disconnected);
        manager->bus = sd_bus_close_unref(manager->bus);
        manager->ready = false;
        manager->unanswered = 0;
}

static void manager_lose(Manager *manager, int code, const char *what) {
        _cleanup_error_ Error *error = NULL;

        manager_close(manager);
        (void) sd_event_add_time_relative(manager->event, &manager->reconnect, CLOCK_MONOTONIC,
                manager->pause_usec, 0, on_reconnect, manager);
        manager->pause_usec = manager->pause_usec * 2 < RECONNECT_MAX_USEC ? manager->pause_usec * 2
                                                                           : RECONNECT_MAX_USEC;

        (void) error_set(&error, code, "%s: %s", what, strerror(abs(code)));
        jobs_fail(&manager->jobs);
        manager->changed(manager->userdata, error);
}

static int on_disconnected(sd_bus_message *m _unused_, void *userdata, sd_bus_error *error _unused_) {
        manager_lose(userdata, ECONNRESET, "lost the connection to the system bus");
        return 0;
}

static void read_version(Manager *manager, sd_bus_message *m) {
        const char *version = "";

        if (sd_bus_message_read(m, "v", "s", &version) < 0)
                return;
        /* "252.39-1~deb12u1" here, "v257-1" elsewhere */
        manager->version = (unsigned) strtoul(version + strcspn(version, "0123456789"), NULL, 10);
}

static void read_names(Manager *manager, sd_bus_message *m) {
        const char *name;

        manager->has_machined = false;
        if (sd_bus_message_enter_container(m, 'a', "s") < 0)
                return;
        while (sd_bus_message_read(m, "s", &name) > 0)
                manager->has_machined = manager->has_machined || streq(name, "org.freedesktop.machine1");
}

static void on_answer(Manager *manager, Question question, sd_bus_message *m) {
        manager->slots[question] = sd_bus_slot_unref(manager->slots[question]);

        if (sd_bus_message_is_method_error(m, NULL)) {
                manager_lose(
                        manager, sd_bus_message_get_errno(m), "systemd does not answer on the system bus");
                return;
        }

        if (question == QUESTION_VERSION)
                read_version(manager, m);
        else if (question == QUESTION_NAMES)
                read_names(manager, m);

        if (--manager->unanswered > 0)
                return;

        manager->ready = true;
        manager->pause_usec = RECONNECT_MIN_USEC;
        manager->changed(manager->userdata, NULL);
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

static int manager_open_bus(Manager *manager) {
        sd_bus *bus;
        int r;

        if (!manager->address)
                return sd_bus_open_system(&manager->bus);

        r = sd_bus_new(&bus);
        if (r < 0)
                return r;

        manager->bus = bus;
        r = sd_bus_set_address(bus, manager->address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, true);
        if (r >= 0)
                r = sd_bus_start(bus);
        return r;
}

/* The match for jobs is asked for before anything else can be: none can slip through. */
static int manager_ask(Manager *manager) {
        int r;

        r = sd_bus_match_signal_async(manager->bus, &manager->disconnected, "org.freedesktop.DBus.Local",
                "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected", on_disconnected,
                NULL, manager);
        if (r >= 0)
                r = jobs_open(&manager->jobs, manager->bus);
        if (r >= 0)
                r = sd_bus_call_method_async(manager->bus, &manager->slots[QUESTION_SUBSCRIBE],
                        SYSTEMD_DESTINATION, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe", on_subscribed,
                        manager, NULL);
        if (r >= 0)
                r = sd_bus_call_method_async(manager->bus, &manager->slots[QUESTION_VERSION],
                        SYSTEMD_DESTINATION, SYSTEMD_PATH, "org.freedesktop.DBus.Properties", "Get",
                        on_version, manager, "ss", SYSTEMD_MANAGER, "Version");
        if (r >= 0)
                r = sd_bus_call_method_async(manager->bus, &manager->slots[QUESTION_NAMES],
                        "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                        "ListActivatableNames", on_names, manager, NULL);
        manager->unanswered = _QUESTION_MAX;
        return r;
}

static void manager_connect(Manager *manager) {
        int r;

        manager->reconnect = sd_event_source_disable_unref(manager->reconnect);

        r = manager_open_bus(manager);
        if (r >= 0)
                r = sd_bus_attach_event(manager->bus, manager->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(manager->bus, CALL_TIMEOUT_USEC);
        if (r >= 0)
                r = manager_ask(manager);
        if (r < 0)
                manager_lose(manager, r, "cannot connect to the system bus");
}

static int on_first_connect(sd_event_source *source _unused_, void *userdata) {
        manager_connect(userdata);
        return 0;
}

Manager *manager_new(sd_event *event, const char *address, ManagerChanged changed, void *userdata) {
        Manager *manager = xnew(Manager, 1);

        manager->event = sd_event_ref(event);
        manager->address = xstrdup_null(address);
        manager->pause_usec = RECONNECT_MIN_USEC;
        manager->changed = changed;
        manager->userdata = userdata;
        LIST_INIT(&manager->jobs.list);
        TAILQ_INIT(&manager->turns.waiting);
        LIST_INIT(&manager->watches.sharing);

        /* From the loop: the caller does not have the pointer yet, and would be called back. */
        (void) sd_event_add_defer(event, &manager->reconnect, on_first_connect, manager);
        return manager;
}

Manager *manager_free(Manager *manager) {
        if (!manager)
                return NULL;

        jobs_forget(&manager->jobs);
        manager->reconnect = sd_event_source_disable_unref(manager->reconnect);
        if (manager->bus)
                (void) sd_bus_flush(manager->bus);
        manager_close(manager);
        sd_event_unref(manager->event);
        free(manager->address);
        free(manager);
        return NULL;
}

sd_bus *manager_bus(Manager *manager) {
        return manager->bus;
}

sd_event *manager_event(Manager *manager) {
        return manager->event;
}

bool manager_is_ready(const Manager *manager) {
        return manager->ready;
}

unsigned manager_version(const Manager *manager) {
        return manager->version;
}

int manager_check_version(const Manager *manager, Error **ret_error) {
        if (manager->version >= SYSTEMD_VERSION_MIN)
                return 0;
        return error_set(ret_error, ENOTSUP, "this host has systemd %u; %d or newer is needed",
                manager->version, SYSTEMD_VERSION_MIN);
}

Jobs *manager_jobs(Manager *manager) {
        return &manager->jobs;
}

Turns *manager_turns(Manager *manager) {
        return &manager->turns;
}

Watches *manager_watches(Manager *manager) {
        return &manager->watches;
}

bool manager_has_machined(const Manager *manager) {
        return manager->has_machined;
}

int manager_new_call(Manager *manager, const char *method, sd_bus_message **ret) {
        if (!manager->ready)
                return -ENOTCONN;
        return sd_bus_message_new_method_call(
                manager->bus, ret, SYSTEMD_DESTINATION, SYSTEMD_PATH, SYSTEMD_MANAGER, method);
}

int manager_send(Manager *manager, const char *method, const char *types, ...) {
        sd_bus_message *m;
        va_list ap;
        int r;

        r = manager_new_call(manager, method, &m);
        if (r < 0)
                return r;

        va_start(ap, types);
        r = sd_bus_message_appendv(m, types, ap);
        va_end(ap);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, false);
        if (r >= 0)
                r = sd_bus_send(manager->bus, m, NULL);
        sd_bus_message_unref(m);
        return r < 0 ? r : 0;
}
