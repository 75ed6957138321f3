/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/system-bus.h"

/*
 * Jobs of systemd that a caller waits for: systemd tells the end of each with the signal JobRemoved. A job
 * cannot be followed over a loss of the connection; its caller looks at the unit when there is a connection
 * again.
 */

typedef struct Job Job;

/**
 * JobDone - a job ended
 * @result: as systemd says ("done", "failed", "timeout", ...; org.freedesktop.systemd1(5), JobRemoved);
 *          NULL when the job could not be made, or nothing is known of it any more
 * @error:  why it could not be made, SD_BUS_ERROR_DISCONNECTED when nobody knows whether it was, or how
 *          it ended, since the connection was lost or systemd went; or NULL
 */
typedef void (*JobDone)(void *userdata, const char *result, const sd_bus_error *error);

/**
 * job_new() - call a method that answers with a job, and wait for that job
 * @call: the message; a reference is taken
 *
 * Return: the job, to be freed by the caller; freeing it early only ends the waiting. NULL with
 * @ret_error set when the call cannot be sent; its code is ENOTCONN without a connection.
 */
Job *job_new(SystemBus *system_bus, sd_bus_message *call, JobDone done, void *userdata, Error **ret_error);
Job *job_free(Job *job);
DEFINE_CLEANUP(Job *, job_free)
