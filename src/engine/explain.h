/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/unit.h"
#include "engine/engine.h"
#include "unit/isolation.h"

/**
 * start_explain_status() - explain why a start failed, from the status and the notes of its unit
 * @ret_enough: whether the unit's lines in the journal need not be read, because they would add nothing
 *
 * Return: the reason, owned by the caller.
 */
char *start_explain_status(
        const Task *task, const TaskSpec *spec, const UnitStatus *status, bool *ret_enough);

/*
 * Return: what @message, the unit's last lines in the journal, means for the author of the job, or a copy of
 * @message; owned by the caller.
 */
char *start_explain_words(
        const Isolation *isolation, const TaskSpec *spec, const Root *root, const char *message);
