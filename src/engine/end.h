/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/unit.h"
#include "engine/engine.h"
#include "engine/record-file.h"
#include "unit/isolation.h"

/*
 * Ends a task whose unit is dead, with this status: removes the leftovers of its unit and calls its waiters.
 */
void task_end(Task *task, const UnitStatus *status);

/* Return: how a run ended, in words: "exit code 7". Owned by the caller. */
char *exit_describe(const ExitResult *result);

/**
 * exit_result() - derive how a run ended from its notes and the state of its unit
 * @killed:            the engine killed it
 * @ret_needs_message: whether only the journal can tell which signal ended the payload; may be NULL
 */
ExitResult exit_result(const Isolation *isolation, const UnitStatus *status, const RunEnd *end, bool killed,
        bool *ret_needs_message);
