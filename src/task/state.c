/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>

#include "task/state.h"

static const TaskState transitions[_TASK_STATE_MAX][_TASK_INPUT_MAX] = {
        /*                   START          UP             STOP           GONE */
        [TASK_NEW] = { TASK_STARTING, TASK_NEW, TASK_EXITED, TASK_EXITED },
        [TASK_STARTING] = { TASK_STARTING, TASK_RUNNING, TASK_STOPPING, TASK_EXITED },
        [TASK_RUNNING] = { TASK_RUNNING, TASK_RUNNING, TASK_STOPPING, TASK_EXITED },
        [TASK_STOPPING] = { TASK_STOPPING, TASK_STOPPING, TASK_STOPPING, TASK_EXITED },
        [TASK_EXITED] = { TASK_EXITED, TASK_EXITED, TASK_EXITED, TASK_EXITED },
};

TaskState task_state_next(TaskState state, TaskInput event) {
        assert(state >= 0 && state < _TASK_STATE_MAX);
        assert(event >= 0 && event < _TASK_INPUT_MAX);
        return transitions[state][event];
}

const char *task_state_to_string(TaskState state) {
        static const char *const names[_TASK_STATE_MAX] = {
                [TASK_NEW] = "new",
                [TASK_STARTING] = "starting",
                [TASK_RUNNING] = "running",
                [TASK_STOPPING] = "stopping",
                [TASK_EXITED] = "exited",
        };

        assert(state >= 0 && state < _TASK_STATE_MAX);
        return names[state];
}
