/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/unit.h"
#include "engine/engine.h"
#include "engine/record-file.h"

/* The task ended, with its unit in this state: removes what is left of it and tells its waiters. */
void task_end(Task *task, const UnitStatus *status);

/* Return: how a run ended, in words: "exit code 7". Owned by the caller. */
char *exit_describe(const ExitResult *result);

/* What the notes of a run and the state of its unit say together of its end. */
ExitResult exit_result(const UnitStatus *status, const RunEnd *end, bool killed);
