/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "unit/isolation.h"

/**
 * transient_plan() - plan the unit of a task
 * @ret: the plan, owned by the caller
 *
 * The unit runs "nspawn-units-helper start DIRECTORY": the command line of the isolation's program is in
 * the task's directory, so that a command line of any length survives a reload of systemd.
 *
 * Return: 0, or a negative errno with @ret_error set.
 */
int transient_plan(const Isolation *isolation, const TaskRequest *request, const Root *root,
        const UnitHost *host, UnitPlan **ret, Error **ret_error);
