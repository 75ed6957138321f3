/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"

/* The task was found, and runs; sd_event_exit() ends the visit with a status. */
typedef void (*VisitBegin)(void *userdata, Engine *engine, Task *task);

/**
 * visit_task() - run the event loop for something with a task that somebody else started
 * @name: as target_find() takes it
 *
 * Nothing of the task is changed by it. What @begin makes is freed by the caller afterwards.
 *
 * Return: the exit status; words about a failure were printed.
 */
int visit_task(const char *name, VisitBegin begin, void *userdata);
