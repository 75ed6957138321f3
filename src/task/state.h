/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * Life of a task. What may follow what stands in one table, so that a late answer of the bus cannot bring
 * a dead task back.
 */
typedef enum TaskState {
        TASK_NEW,      /* known, nothing done yet */
        TASK_STARTING, /* asked for, not yet running */
        TASK_RUNNING,
        TASK_STOPPING, /* told to end */
        TASK_EXITED,   /* over, with a result */
        _TASK_STATE_MAX,
} TaskState;

typedef enum TaskInput {
        TASK_INPUT_START, /* start it, or look for it after a restart of ours */
        TASK_INPUT_UP,    /* it runs */
        TASK_INPUT_STOP,  /* end it */
        TASK_INPUT_GONE,  /* it ended, or never came up */
        _TASK_INPUT_MAX,
} TaskInput;

/* Return: the state that follows, or @state itself where the event means nothing. */
TaskState task_state_next(TaskState state, TaskInput event);

const char *task_state_to_string(TaskState state);
