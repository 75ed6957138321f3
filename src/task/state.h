/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * The life of a task. One table (state.c) says which state follows which, so that a late answer of the bus
 * cannot bring a dead task back.
 */
typedef enum TaskState {
        TASK_NEW,      /* known, nothing done yet */
        TASK_STARTING, /* its start is under way */
        TASK_RUNNING,
        TASK_STOPPING, /* it was asked to end */
        TASK_EXITED,   /* over, with a result */
        _TASK_STATE_MAX,
} TaskState;

typedef enum TaskInput {
        TASK_INPUT_START, /* a start or a recovery begins */
        TASK_INPUT_UP,    /* it runs */
        TASK_INPUT_STOP,  /* end it */
        TASK_INPUT_GONE,  /* it ended, or never came up */
        _TASK_INPUT_MAX,
} TaskInput;

/* Return: the next state, or @state itself where the input changes nothing. */
TaskState task_state_next(TaskState state, TaskInput event);

const char *task_state_to_string(TaskState state);
