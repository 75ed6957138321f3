/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"

/* Tells a waiter that the task ended, with the result the task has now. */
void task_wait_end(TaskWait *wait);
