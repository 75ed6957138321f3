/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "base/strv.h"
#include "task/option.h"
#include "task/spec.h"

TaskSpec *task_spec_new(void) {
        return xnew(TaskSpec, 1);
}

void task_spec_clear(TaskSpec *spec) {
        option_clear(&task_options, spec);
}

TaskSpec *task_spec_free(TaskSpec *spec) {
        if (spec)
                task_spec_clear(spec);
        free(spec);
        return NULL;
}

void task_spec_add_bind(TaskSpec *spec, const char *source, const char *target, bool read_only) {
        spec->binds = xreallocarray(spec->binds, spec->n_binds + 1, sizeof(TaskBind));
        spec->binds[spec->n_binds++] = (TaskBind){
                .source = xstrdup(source),
                .target = xstrdup(target),
                .read_only = read_only,
        };
}

TaskLaunch task_spec_launch(const TaskSpec *spec) {
        if (spec->boot)
                return TASK_LAUNCH_BOOT;
        if (spec->process_two)
                return TASK_LAUNCH_STUB;
        return spec->init ? TASK_LAUNCH_SUPERVISE : TASK_LAUNCH_DIRECT;
}

bool task_spec_has_user_namespace(const TaskSpec *spec) {
        return spec->user_namespacing && !streq_null(spec->private_users, "no");
}

bool task_spec_keeps_root_read_only(const TaskSpec *spec) {
        return spec->volatile_mode == VOLATILE_STATE ||
                (spec->read_only && spec->volatile_mode == VOLATILE_NO);
}

bool task_spec_restarts(const TaskSpec *spec) {
        return spec->restart.policy != RESTART_NO;
}
