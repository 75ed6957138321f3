/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/system-bus.h"

/*
 * Jobs of systemd that a caller waits for: systemd reports the end of each with the signal JobRemoved. A job
 * cannot be followed after a loss of the connection; its caller must read the unit's status when there is a
 * connection again.
 */

typedef struct Job Job;

/**
 * JobDone - a job ended
 * @result: as systemd says ("done", "failed", "timeout", ...; org.freedesktop.systemd1(5), JobRemoved); NULL
 *          when the job could not be made, or its state is unknown
 * @error:  why the job could not be made; SD_BUS_ERROR_DISCONNECTED when it is unknown whether the job was
 *          made or how it ended, because the connection was lost or systemd left the bus; or NULL
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
