/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "bus/job.h"

struct Job {
        LIST_ENTRY(Job) entries;
        SystemBus *system_bus; /* NULL once it is not waited for any more */
        sd_bus_slot *slot;
        char *path; /* known once systemd answered */
        JobDone done;
        void *userdata;
};

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

static int on_made(sd_bus_message *m, void *userdata, sd_bus_error *unused _unused_) {
        static const sd_bus_error strange = SD_BUS_ERROR_MAKE_CONST(
                SD_BUS_ERROR_INCONSISTENT_MESSAGE, "systemd answered without a job");
        Job *job = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(m);
        const char *path;

        /* Cut off, with an answer that libsystemd made up: the loss is told to all jobs in a moment. */
        if (error && sd_bus_is_open(system_bus_connection(job->system_bus)) <= 0)
                return 0;

        if (!error && sd_bus_message_read(m, "o", &path) > 0)
                job->path = xstrdup(path);
        else
                job_finish(job, NULL, error ? error : &strange);
        return 0;
}

Job *job_new(SystemBus *system_bus, sd_bus_message *call, JobDone done, void *userdata, Error **ret_error) {
        Job *job;
        int r;

        if (!system_bus_is_ready(system_bus)) {
                (void) error_set(ret_error, ENOTCONN, "there is no connection to systemd");
                return NULL;
        }

        job = xnew(Job, 1);
        r = sd_bus_call_async(system_bus_connection(system_bus), &job->slot, call, on_made, job, 0);
        if (r < 0) {
                free(job);
                (void) error_set(ret_error, r, "cannot send a call to systemd: %s", strerror(-r));
                return NULL;
        }

        job->system_bus = system_bus;
        job->done = done;
        job->userdata = userdata;
        LIST_INSERT_HEAD(&system_bus_jobs(system_bus)->list, job, entries);
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

int jobs_open(Jobs *jobs, sd_bus *bus) {
        return sd_bus_match_signal_async(bus, &jobs->removed, SYSTEMD_DESTINATION, SYSTEMD_PATH,
                SYSTEMD_MANAGER, "JobRemoved", on_removed, NULL, jobs);
}

void jobs_close(Jobs *jobs) {
        jobs->removed = sd_bus_slot_unref(jobs->removed);
}

void jobs_fail(Jobs *jobs) {
        static const sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(
                SD_BUS_ERROR_DISCONNECTED, "The connection to the system bus was lost");
        Job *job;

        while ((job = LIST_FIRST(&jobs->list)))
                job_finish(job, NULL, &error);
}

void jobs_forget(Jobs *jobs) {
        Job *job;

        while ((job = LIST_FIRST(&jobs->list)))
                job_leave(job);
}
