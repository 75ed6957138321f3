/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "bus/system-bus.h"

/* Jobs of systemd that are waited for: of each a JobRemoved tells the end. */

typedef struct Job Job;

typedef struct Jobs {
        sd_bus_slot *removed;
        LIST_HEAD(, Job) list;
} Jobs;

/**
 * JobDone - a job ended
 * @result: as systemd says ("done", "failed", "timeout", ...; org.freedesktop.systemd1(5), JobRemoved);
 *          NULL when the job could not be made
 * @error:  why it could not be made, or NULL
 */
typedef void (*JobDone)(void *userdata, const char *result, const sd_bus_error *error);

/**
 * job_new() - call a method that answers with a job, and wait for that job
 * @call: the message; a reference is taken
 *
 * Return: the job, to be freed by the caller; freeing it early only ends the waiting. NULL with
 * @ret_error set when the call cannot be sent.
 */
Job *job_new(SystemBus *system_bus, sd_bus_message *call, JobDone done, void *userdata, Error **ret_error);
Job *job_free(Job *job);
DEFINE_CLEANUP(Job *, job_free)

/* Asks for the signals on a new connection, or lets go of an old one. Return: 0 or a negative errno. */
int jobs_open(Jobs *jobs, sd_bus *bus);
void jobs_close(Jobs *jobs);

/* The connection is lost: jobs cannot be followed over that, and whoever waits looks at the unit later. */
void jobs_fail(Jobs *jobs);

/* The connection is freed; the jobs stay with whom they belong to. */
void jobs_forget(Jobs *jobs);
