/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"

/* Kills every process of the task's unit at once; needs a connection. */
void task_kill_unit(Task *task);

/*
 * Called when the unit could not be stopped or killed because it is frozen; @error says why it cannot be
 * thawed.
 */
void task_on_frozen(void *userdata, const Error *error);
