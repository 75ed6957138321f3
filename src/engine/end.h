/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/unit.h"
#include "engine/engine.h"
#include "engine/record-file.h"
#include "unit/isolation.h"

/* The task ended, with its unit in this state: removes what is left of it and tells its waiters. */
void task_end(Task *task, const UnitStatus *status);

/* Return: how a run ended, in words: "exit code 7". Owned by the caller. */
char *exit_describe(const ExitResult *result);

/**
 * exit_result() - how a run ended, as the notes of the run and the state of its unit tell together
 * @killed:            the engine killed it
 * @ret_needs_message: whether only the journal can tell which signal ended the payload; may be NULL
 */
ExitResult exit_result(const Isolation *isolation, const UnitStatus *status, const RunEnd *end, bool killed,
        bool *ret_needs_message);
