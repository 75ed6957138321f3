/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>

#include "base/string.h"
#include "engine/explain.h"
#include "engine/task.h"
#include "engine/watch.h"
#include "image/local.h"
#include "image/lock.h"

/* Explains why a start failed, and what a user can change to make it succeed. */

/* Advice for a memory limit that is too small (TASK_MEMORY_MIN). */
#define MEMORY_HINT \
        "raise memory, or memory_max where it is given: a container needs 4 MiB beside what command uses, and what " \
        "is changed in a volatile or ephemeral image that is kept in memory counts too"

/* @told: the notes say that the kernel killed nothing for want of memory. */
static char *explain_signal(const Task *task, const TaskSpec *spec, const UnitStatus *status, bool told) {
        const char *name = sigabbrev_np(status->exec_main_status);
        _cleanup_free_ char *killed = xasprintf(
                "%s was killed by SIG%s", task->engine->nspawn, name ? name : "nal unknown");

        if (told || status->exec_main_status != SIGKILL)
                return TAKE_PTR(killed);

        _cleanup_free_ char *limit = limit_in_words(spec->memory_max);
        return xasprintf("%s; if that was for want of memory (limit %s): " MEMORY_HINT, killed, limit);
}

char *start_explain_status(
        const Task *task, const TaskSpec *spec, const UnitStatus *status, bool *ret_enough) {
        RunEnd end;

        *ret_enough = true;
        if (task->state == TASK_STOPPING)
                return xstrdup("it was stopped while it started");

        (void) task_read_end(task, &end);
        if (end.has_unit && end.oom_kills > 0) {
                _cleanup_free_ char *kills = oom_describe(end.oom_kills, end.memory_limit, end.memory_peak);
                return xasprintf("out of memory: %s; " MEMORY_HINT, kills);
        }

        *ret_enough = false;
        if (unit_status_is_gone(status))
                return xstrdup("systemd does not know its unit");
        if (status->exec_main_code == CLD_KILLED || status->exec_main_code == CLD_DUMPED)
                return explain_signal(task, spec, status, end.has_unit);
        if (status->exec_main_code == CLD_EXITED)
                return xasprintf("%s ended with status %d", task->engine->nspawn, status->exec_main_status);
        return xasprintf("systemd says: %s", status->result ? status->result : "nothing");
}

static char *explain_busy(const TaskSpec *spec, const Root *root) {
        _cleanup_free_ char *holder = image_find_holder(root->path);

        return xasprintf(
                "image: \"%s\" is in use by %s, and one of the two may write to it; tasks share an image "
                "where each has read_only = true or volatile = \"overlay\", or ephemeral = true, which "
                "gives a task a copy of its own",
                spec->image, holder ? holder : "somebody else");
}

static char *explain_read_only(const TaskSpec *spec, const char *message) {
        return xasprintf("%s; %s keeps it from being made: " IMAGE_READ_ONLY_HINT, message,
                spec->read_only ? "read_only = true" : "volatile = \"state\"");
}

char *start_explain_words(
        const Isolation *isolation, const TaskSpec *spec, const Root *root, const char *message) {
        switch (isolation->failure(message)) {
        case ISOLATION_FAILURE_IMAGE_BUSY:
                return explain_busy(spec, root);
        case ISOLATION_FAILURE_IMAGE_READ_ONLY:
                if (task_spec_keeps_root_read_only(spec))
                        return explain_read_only(spec, message);
                break;
        case ISOLATION_FAILURE_OTHER:
                break;
        }
        return xstrdup(message);
}
