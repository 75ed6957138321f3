/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "base/strv.h"
#include "task/request.h"

TaskRequest *task_request_new(void) {
        return xnew(TaskRequest, 1);
}

static void identity_clear(TaskIdentity *identity) {
        free(identity->name);
        free(identity->machine);
        free(identity->owner);
        free(identity->description);
        free(identity->slice);
        free(identity->machine_id);
        strv_free(identity->journal_fields);
}

TaskRequest *task_request_free(TaskRequest *request) {
        if (!request)
                return NULL;

        identity_clear(&request->identity);
        task_spec_clear(&request->spec);
        free(request->network.namespace_path);
        free(request);
        return NULL;
}

int task_request_check(TaskRequest *request, const Policy *policy, OptionUse use, Diagnostics *d) {
        request->launch = task_spec_launch(&request->spec);
        (void) policy_check(policy, &task_options, use, d);
        (void) task_spec_validate(&request->spec, d);
        return d->n_items > 0 ? -d->items[0].code : 0;
}

bool task_request_boots_with_arguments(const TaskRequest *request) {
        return request->launch == TASK_LAUNCH_BOOT && !strv_is_empty(request->spec.command);
}

bool task_request_runs_again(const TaskRequest *request) {
        return request->launch == TASK_LAUNCH_BOOT || task_spec_restarts(&request->spec);
}
