/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/unit.h"
#include "engine/engine.h"

/*
 * The runs of a task: systemd may restart the unit in place, and a booted system may reboot, so a task has
 * one run after the other. Each has a first process, the leader, and a control group of its own.
 */

/* Handles a new status of a running task's unit: the end of a run, or the beginning of the next. */
void task_follow(Task *task, const UnitStatus *status);
