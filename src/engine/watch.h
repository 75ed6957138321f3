/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"
#include "engine/record-file.h"

/* Watches the control group of the present run, and reports its events to the task's owner. */
void task_watch_group(Task *task);

/* Ends the watch of a run that is over, and reports kills that only the notes of the run, @end, count. */
void task_unwatch_group(Task *task, const RunEnd *end);

/* Return: a memory limit as text for messages, owned by the caller. */
char *limit_in_words(uint64_t limit);

/* Return: how many processes the kernel killed for want of memory, and with which limit; owned by the
 * caller. */
char *oom_describe(uint64_t n_killed, uint64_t limit, uint64_t peak);
