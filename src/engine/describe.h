/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"

/*
 * Describes the unit of a task as text, without starting the task: the unit that engine_start() would
 * request from systemd now, on this host. A description writes no files. Its text contains no secrets: the
 * environment and the user of a task are in a separate file (base/secrets-file.h).
 */
typedef struct Description Description;

/* @text: a unit file, and the isolation's command line in comments; NULL when it failed. Called once. */
typedef void (*Described)(void *userdata, const char *text, const Error *error);

/**
 * description_new() - describe the unit of a task
 * @engine:  connected to systemd; must outlive the description
 * @request: checked by task_request_check(); must outlive the description
 *
 * @done is called from the loop, not from within this call; never when the connection is lost before.
 *
 * Return: 0 and the description, to be freed by the caller; or a negative errno with @ret_error set.
 */
int description_new(Engine *engine, const TaskRequest *request, Described done, void *userdata,
        Description **ret, Error **ret_error);
Description *description_free(Description *description);
DEFINE_CLEANUP(Description *, description_free)
