/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/string.h"
#include "systemd/manager.h"
#include "systemd/turn.h"

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

struct Job {
        LIST_ENTRY(Job) jobs;
        Manager *manager; /* NULL once the manager is gone */
        sd_bus_slot *slot;
        char *path; /* known once systemd answered */
        JobDone done;
        void *userdata;
};

struct Manager {
        sd_event *event;
        char *address;
        sd_bus *bus;
        sd_bus_slot *slots[_QUESTION_MAX];
        sd_bus_slot *job_removed;
        sd_bus_slot *disconnected;
        sd_event_source *reconnect;
        uint64_t pause_usec;
        unsigned unanswered;
        bool ready;
        bool has_machined;
        unsigned version;
        ManagerChanged changed;
        void *userdata;
        LIST_HEAD(, Job) jobs;
        Turns turns;
};

static void manager_connect(Manager *manager);

static int on_reconnect(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        manager_connect(userdata);
        return 0;
}

static void manager_close(Manager *manager) {
        for (size_t i = 0; i < _QUESTION_MAX; i++)
                manager->slots[i] = sd_bus_slot_unref(manager->slots[i]);
        manager->job_removed = sd_bus_slot_unref(manager->job_removed);
        manager->disconnected = sd_bus_slot_unref(manager->disconnected);
        manager->bus = sd_bus_close_unref(manager->bus);
        manager->ready = false;
        manager->unanswered = 0;
}

/* Jobs cannot be followed over a lost connection: whoever waits looks at the unit when it is back. */
static void manager_fail_jobs(Manager *manager) {
        Job *job;

        while ((job = LIST_FIRST(&manager->jobs))) {
                LIST_REMOVE(job, jobs);
                job->manager = NULL;
                job->slot = sd_bus_slot_unref(job->slot);

                sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(
                        SD_BUS_ERROR_DISCONNECTED, "The connection to the system bus was lost");
                job->done(job->userdata, NULL, &error);
        }
}

static void manager_lose(Manager *manager, int code, const char *what) {
        _cleanup_error_ Error *error = NULL;

        manager_close(manager);
        (void) sd_event_add_time_relative(manager->event, &manager->reconnect, CLOCK_MONOTONIC,
                manager->pause_usec, 0, on_reconnect, manager);
        manager->pause_usec = manager->pause_usec * 2 < RECONNECT_MAX_USEC ? manager->pause_usec * 2
                                                                           : RECONNECT_MAX_USEC;

        (void) error_set(&error, code, "%s: %s", what, strerror(abs(code)));
        manager_fail_jobs(manager);
        manager->changed(manager->userdata, error);
}

static int on_disconnected(sd_bus_message *m _unused_, void *userdata, sd_bus_error *error _unused_) {
        manager_lose(userdata, ECONNRESET, "lost the connection to the system bus");
        return 0;
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        Manager *manager = userdata;
        const char *path, *result;
        Job *job;

        if (sd_bus_message_read(m, "uoss", NULL, &path, NULL, &result) < 0)
                return 0;

        LIST_FOREACH (job, &manager->jobs, jobs)
                if (streq_null(job->path, path))
                        break;
        if (!job)
                return 0;

        LIST_REMOVE(job, jobs);
        job->manager = NULL;
        job->done(job->userdata, result, NULL);
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

/* The match for JobRemoved is asked for before anything else can be: no job can slip through. */
static int manager_ask(Manager *manager) {
        int r;

        r = sd_bus_match_signal_async(manager->bus, &manager->disconnected, "org.freedesktop.DBus.Local",
                "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected", on_disconnected,
                NULL, manager);
        if (r >= 0)
                r = sd_bus_match_signal_async(manager->bus, &manager->job_removed, SYSTEMD_DESTINATION,
                        SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", on_job_removed, NULL, manager);
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
        LIST_INIT(&manager->jobs);
        TAILQ_INIT(&manager->turns.waiting);

        /* From the loop: the caller does not have the pointer yet, and would be called back. */
        (void) sd_event_add_defer(event, &manager->reconnect, on_first_connect, manager);
        return manager;
}

Manager *manager_free(Manager *manager) {
        Job *job;

        if (!manager)
                return NULL;

        while ((job = LIST_FIRST(&manager->jobs))) {
                LIST_REMOVE(job, jobs);
                job->manager = NULL;
                job->slot = sd_bus_slot_unref(job->slot);
        }

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

Turns *manager_turns(Manager *manager) {
        return &manager->turns;
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

static int on_job_made(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        Job *job = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(m);
        const char *path;

        job->slot = sd_bus_slot_unref(job->slot);

        /* Cut off, with an answer that libsystemd made up: the loss is told to all jobs in a moment. */
        if (error && sd_bus_is_open(job->manager->bus) <= 0)
                return 0;

        if (!error && sd_bus_message_read(m, "o", &path) > 0) {
                job->path = xstrdup(path);
                return 0;
        }

        LIST_REMOVE(job, jobs);
        job->manager = NULL;
        sd_bus_error strange = SD_BUS_ERROR_MAKE_CONST(
                SD_BUS_ERROR_INCONSISTENT_MESSAGE, "systemd answered without a job");
        job->done(job->userdata, NULL, error ? error : &strange);
        return 0;
}

Job *job_new(Manager *manager, sd_bus_message *call, JobDone done, void *userdata, Error **ret_error) {
        Job *job;
        int r;

        if (!manager->ready) {
                (void) error_set(ret_error, ENOTCONN, "there is no connection to systemd");
                return NULL;
        }

        job = xnew(Job, 1);
        r = sd_bus_call_async(manager->bus, &job->slot, call, on_job_made, job, 0);
        if (r < 0) {
                free(job);
                (void) error_set(ret_error, r, "cannot send a call to systemd: %s", strerror(-r));
                return NULL;
        }

        job->manager = manager;
        job->done = done;
        job->userdata = userdata;
        LIST_INSERT_HEAD(&manager->jobs, job, jobs);
        return job;
}

Job *job_free(Job *job) {
        if (!job)
                return NULL;

        if (job->manager)
                LIST_REMOVE(job, jobs);
        sd_bus_slot_unref(job->slot);
        free(job->path);
        free(job);
        return NULL;
}
