/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"
#include "engine/record-file.h"

/* Watches the control group of the run that is up, and tells the task's owner what happens there. */
void task_watch_group(Task *task);

/* This run is over, and @end tells of it: kills that the watch did not see are told. */
void task_unwatch_group(Task *task, const RunEnd *end);

/* Return: a memory limit for people, owned by the caller. */
char *limit_in_words(uint64_t limit);

/* Return: how many processes the kernel killed for want of memory, and with which limit; owned by the
 * caller. */
char *oom_describe(uint64_t n_killed, uint64_t limit, uint64_t peak);
