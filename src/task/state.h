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
        TASK_STOPPING, /* a caller has asked it to end */
        TASK_EXITED,   /* ended, with a result */
        _TASK_STATE_MAX,
} TaskState;

typedef enum TaskInput {
        TASK_INPUT_START, /* a start or a recovery begins */
        TASK_INPUT_UP,    /* the task runs */
        TASK_INPUT_STOP,  /* a caller asks the task to end */
        TASK_INPUT_GONE,  /* the task has ended, or its start has failed */
        _TASK_INPUT_MAX,
} TaskInput;

/* Return: the next state, or @state itself where the input changes nothing. */
TaskState task_state_next(TaskState state, TaskInput event);

const char *task_state_to_string(TaskState state);
