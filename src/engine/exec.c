/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "base/task-dir.h"
#include "engine/programs.h"
#include "engine/task.h"
#include "task/limits.h"
#include "unit/task-dir.h"

int task_exec(Task *task, const ExecSpec *spec, const ExecCallbacks *callbacks, void *userdata, Exec **ret,
        Error **ret_error) {
        Engine *engine = task->engine;

        if (task_find_leader(task) < 0)
                return error_set(ret_error, ESRCH, "the task does not run: nothing can be run in it");
        if (string_is_empty(task->control_group))
                return error_set(ret_error, ESRCH, "the control group of the task is not known yet");

        engine_find_programs(engine);
        if (!engine->helper)
                return error_set(ret_error, ENOENT, "nspawn-units-helper is not installed");

        int r = arguments_check(spec->command, spec->environment, ret_error);
        if (r < 0)
                return r;

        const char *runtime = engine->runtime_directory, *machine = task->record.machine;
        _cleanup_free_ char *directory = task_dir_find(runtime, machine, ""),
                            *secrets = task_dir_find(runtime, machine, TASK_SECRETS_FILE);
        const ExecPlace place = {
                .helper = engine->helper,
                .directory = directory,
                .secrets = secrets,
                .control_group = task->control_group,
                .leader = task->leader,
                .leader_fd = task->leader_fd,
        };
        return engine->exec_new(engine->event, &place, spec, callbacks, userdata, ret, ret_error);
}
