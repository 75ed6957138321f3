/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "unit/isolation.h"

/* What the unit of a task needs for systemd-nspawn. isolation.h says what the functions do. */

int nspawn_check(const HostFacts *facts, Error **ret_error);
void nspawn_plan(UnitPlan *plan, const TaskRequest *request, const Root *root, const UnitHost *host);
