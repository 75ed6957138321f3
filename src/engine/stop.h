/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"

/* Ends every process of the task's unit at once; needs a connection. */
void task_kill_unit(Task *task);

/* The unit was to be ended, and is not: it is frozen, and @error says why it cannot be thawed. */
void task_on_frozen(void *userdata, const Error *error);
