/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/unit.h"
#include "engine/engine.h"
#include "unit/isolation.h"

/**
 * start_explain_status() - say why a start failed, as its unit and its notes tell
 * @ret_enough: whether the unit's lines in the journal would tell no more
 *
 * Return: the reason, owned by the caller.
 */
char *start_explain_status(
        const Task *task, const TaskSpec *spec, const UnitStatus *status, bool *ret_enough);

/* Return: @message, the unit's last lines in the journal, with what it means for the job; owned by the
 * caller. */
char *start_explain_words(
        const Isolation *isolation, const TaskSpec *spec, const Root *root, const char *message);
