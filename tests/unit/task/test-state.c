/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>

#include "base/string.h"
#include "task/state.h"

Test(state, a_life_from_begin_to_end) {
        TaskState state = TASK_NEW;

        state = task_state_next(state, TASK_INPUT_START);
        cr_assert_eq(state, TASK_STARTING);
        state = task_state_next(state, TASK_INPUT_UP);
        cr_assert_eq(state, TASK_RUNNING);
        state = task_state_next(state, TASK_INPUT_STOP);
        cr_assert_eq(state, TASK_STOPPING);
        state = task_state_next(state, TASK_INPUT_GONE);
        cr_assert_eq(state, TASK_EXITED);
}

Test(state, the_dead_stay_dead) {
        for (TaskInput event = 0; event < _TASK_INPUT_MAX; event++)
                cr_assert_eq(task_state_next(TASK_EXITED, event), TASK_EXITED, "input %d", (int) event);
}

Test(state, whatever_goes_is_gone) {
        for (TaskState state = 0; state < _TASK_STATE_MAX; state++)
                cr_assert_eq(task_state_next(state, TASK_INPUT_GONE), TASK_EXITED, "state %d", (int) state);
}

Test(state, what_is_told_to_stop_never_runs_again) {
        cr_assert_eq(task_state_next(TASK_STARTING, TASK_INPUT_STOP), TASK_STOPPING);
        cr_assert_eq(task_state_next(TASK_STOPPING, TASK_INPUT_UP), TASK_STOPPING);
        cr_assert_eq(task_state_next(TASK_STOPPING, TASK_INPUT_START), TASK_STOPPING);
        cr_assert_eq(task_state_next(TASK_STOPPING, TASK_INPUT_STOP), TASK_STOPPING);
        cr_assert_eq(task_state_next(TASK_NEW, TASK_INPUT_STOP), TASK_EXITED);
}

Test(state, what_means_nothing_changes_nothing) {
        cr_assert_eq(task_state_next(TASK_NEW, TASK_INPUT_UP), TASK_NEW);
        cr_assert_eq(task_state_next(TASK_STARTING, TASK_INPUT_START), TASK_STARTING);
        cr_assert_eq(task_state_next(TASK_RUNNING, TASK_INPUT_START), TASK_RUNNING);
        cr_assert_eq(task_state_next(TASK_RUNNING, TASK_INPUT_UP), TASK_RUNNING);
}

Test(state, no_event_leads_back) {
        for (TaskState state = 0; state < _TASK_STATE_MAX; state++)
                for (TaskInput event = 0; event < _TASK_INPUT_MAX; event++)
                        cr_assert_geq(task_state_next(state, event), state);
}

Test(state, every_state_has_a_name_of_its_own) {
        for (TaskState a = 0; a < _TASK_STATE_MAX; a++)
                for (TaskState b = 0; b < a; b++)
                        cr_assert_str_neq(task_state_to_string(a), task_state_to_string(b));
        cr_assert_str_eq(task_state_to_string(TASK_RUNNING), "running");
}
