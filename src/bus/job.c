/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "bus/job.h"

struct Job {
        LIST_ENTRY(Job) entries;
        SystemBus *system_bus; /* NULL once the job is not waited for any more */
        sd_bus_slot *slot;
        char *path; /* known once systemd answered */
        JobDone done;
        void *userdata;
};

/*
 * All jobs of a connection. The match is added before the first job is requested, so that no signal is
 * missed.
 */
typedef struct Jobs {
        sd_bus_slot *removed; /* match for JobRemoved */
        LIST_HEAD(, Job) list;
} Jobs;

static void job_leave(Job *job) {
        LIST_REMOVE(job, entries);
        job->system_bus = NULL;
        job->slot = sd_bus_slot_unref(job->slot);
}

static void job_finish(Job *job, const char *result, const sd_bus_error *error) {
        job_leave(job);
        job->done(job->userdata, result, error);
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        const Jobs *jobs = userdata;
        const char *path, *result;
        Job *job;

        if (sd_bus_message_read(m, "uoss", NULL, &path, NULL, &result) < 0)
                return 0;

        LIST_FOREACH (job, &jobs->list, entries)
                if (streq_null(job->path, path))
                        break;
        if (job)
                job_finish(job, result, NULL);
        return 0;
}

static const sd_bus_error disconnected = SD_BUS_ERROR_MAKE_CONST(
        SD_BUS_ERROR_DISCONNECTED, "The connection to systemd was lost before it answered");

/*
 * Return: whether systemd may have made the job although the call failed: libsystemd gave up waiting, or
 * systemd left the bus before it answered, such as when it re-executes itself.
 */
static bool is_open_question(const sd_bus_error *error) {
        static const char *const names[] = { SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_TIMEOUT,
                "org.freedesktop.DBus.Error.TimedOut" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (sd_bus_error_has_name(error, names[i]))
                        return true;
        return false;
}

static int on_made(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        static const sd_bus_error strange = SD_BUS_ERROR_MAKE_CONST(
                SD_BUS_ERROR_INCONSISTENT_MESSAGE, "systemd answered without a job");
        Job *job = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(m);
        const char *path;

        /*
         * libsystemd made up this answer because the connection was lost: jobs_lost() ends all jobs in a
         * moment.
         */
        if (error && !system_bus_is_ready(job->system_bus))
                return 0;

        if (!error && sd_bus_message_read(m, "o", &path) > 0)
                job->path = xstrdup(path);
        else
                job_finish(job, NULL, !error ? &strange : is_open_question(error) ? &disconnected : error);
        return 0;
}

static int jobs_opened(void *userdata, sd_bus *bus) {
        Jobs *jobs = userdata;

        return sd_bus_match_signal_async(bus, &jobs->removed, SYSTEMD_DESTINATION, SYSTEMD_PATH,
                SYSTEMD_MANAGER, "JobRemoved", on_removed, NULL, jobs);
}

static void jobs_lost(void *userdata) {
        Jobs *jobs = userdata;
        Job *job;

        jobs->removed = sd_bus_slot_unref(jobs->removed);
        while ((job = LIST_FIRST(&jobs->list)))
                job_finish(job, NULL, &disconnected);
}

/* The jobs themselves are not freed: they belong to their owners. */
static void jobs_clear(void *share) {
        Jobs *jobs = share;
        Job *job;

        jobs->removed = sd_bus_slot_unref(jobs->removed);
        while ((job = LIST_FIRST(&jobs->list)))
                job_leave(job);
}

static const BusShareType jobs_type = {
        .size = sizeof(Jobs),
        .clear = jobs_clear,
        .observer = { jobs_opened, jobs_lost },
};

Job *job_new(SystemBus *system_bus, sd_bus_message *call, JobDone done, void *userdata, Error **ret_error) {
        Jobs *jobs = system_bus_share(system_bus, &jobs_type);
        Job *job = xnew(Job, 1);
        int r = jobs->removed ? system_bus_call_message(system_bus, &job->slot, call, on_made, job, 0)
                              : -ENOTCONN;

        if (r < 0) {
                free(job);
                if (r == -ENOTCONN)
                        (void) error_set(ret_error, ENOTCONN,
                                "there is no connection to systemd; it is being tried again");
                else
                        (void) error_set(ret_error, r, "cannot send a call to systemd: %s", strerror(-r));
                return NULL;
        }

        job->system_bus = system_bus;
        job->done = done;
        job->userdata = userdata;
        LIST_INSERT_HEAD(&jobs->list, job, entries);
        return job;
}

Job *job_free(Job *job) {
        if (!job)
                return NULL;

        if (job->system_bus)
                job_leave(job);
        free(job->path);
        free(job);
        return NULL;
}
