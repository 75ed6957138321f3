/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "driver.pb-c.h"
#include "engine/engine.h"
#include "task/request.h"

/**
 * task_config_to_request() - make a request of a task that Nomad wants to run
 *
 * Reads the job's config and all that Nomad adds to it: environment, directories, volumes, resources,
 * network. The result is checked (task_request_check()).
 *
 * Return: 0, or a negative errno with @ret_error set, which has a line for each mistake.
 */
int task_config_to_request(
        const Driver__TaskConfig *config, const DriverConfig *driver, TaskRequest **ret, Error **ret_error);

/**
 * task_config_open_streams() - open the pipes that Nomad collects the task's output from
 *
 * Opens them for reading and writing: so the driver does not wait for Nomad's log collector, and the task
 * gets no SIGPIPE when the collector is restarted. The pipes must be in the allocation's directory. Tasks
 * can write to that directory, so no symbolic link below it is followed. The caller owns the descriptors in
 * @ret.
 *
 * A stream that Nomad does not collect is -1, and goes to the journal. Nomad (1.6 and newer) names the null
 * device for a job with logs { disabled = true }. With disable_log_collection it names a file that does not
 * exist.
 *
 * Return: 0, or a negative errno with @ret_error set.
 */
int task_config_open_streams(
        const Driver__TaskConfig *config, const DriverConfig *driver, TaskStreams *ret, Error **ret_error);
