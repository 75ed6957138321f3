/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "base/strv.h"
#include "task/spec.h"

TaskSpec *task_spec_new(void) {
        return xnew(TaskSpec, 1);
}

void task_spec_clear(TaskSpec *spec) {
        free(spec->name);
        free(spec->image);
        free(spec->volatile_mode);
        free(spec->pivot_root);
        strv_free(spec->command);
        strv_free(spec->environment);
        free(spec->user);
        free(spec->working_directory);
        free(spec->console);
        strv_free(spec->capability);
        free(spec->reload_signal);
        free(spec->restart.policy);
        free(spec->private_users);
        free(spec->private_users_ownership);
        for (size_t i = 0; i < spec->n_binds; i++) {
                free(spec->binds[i].source);
                free(spec->binds[i].target);
        }
        free(spec->binds);
        free(spec->resolv_conf);
        free(spec->cpus);
        free(spec->oom_policy);
        strv_free(spec->refused);
        *spec = (TaskSpec){};
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

static char **environment_find(char **environment, const char *name) {
        size_t n = strlen(name);

        for (char **e = environment; e && *e; e++)
                if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
                        return e;
        return NULL;
}

void environment_set(char ***environment, const char *name, const char *value) {
        char *assignment = xasprintf("%s=%s", name, value);
        char **e = environment_find(*environment, name);

        if (!e) {
                strv_consume(environment, assignment);
                return;
        }

        free(*e);
        *e = assignment;
}

const char *environment_get(char *const *environment, const char *name) {
        char **e = environment_find((char **) (uintptr_t) environment, name);

        return e ? *e + strlen(name) + 1 : NULL;
}

bool environment_name_is_valid(const char *name) {
        return *name && !strchr(name, '=');
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
        if (streq_null(spec->volatile_mode, "state"))
                return true;
        return spec->read_only && (!spec->volatile_mode || streq(spec->volatile_mode, "no"));
}

bool task_spec_restarts(const TaskSpec *spec) {
        return spec->restart.policy && !streq(spec->restart.policy, "no");
}
