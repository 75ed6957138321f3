/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>

#include "base/string.h"
#include "engine/private.h"

#define MEBIBYTE (UINT64_C(1) << 20)

static char *size_in_words(uint64_t bytes) {
        return bytes >= MEBIBYTE ? xasprintf("%" PRIu64 " MiB", bytes / MEBIBYTE)
                                 : xasprintf("%" PRIu64 " KiB", bytes / 1024);
}

/* @limit and @peak: bytes, 0 when there is none or it is not known. */
static void tell_oom(Task *task, uint64_t n, uint64_t limit, uint64_t peak) {
        _cleanup_free_ char *limit_words = limit > 0 ? size_in_words(limit) : xstrdup("none of its own");
        _cleanup_free_ char *peak_words = peak > 0 ? size_in_words(peak) : xstrdup("unknown");
        _cleanup_free_ char *message = xasprintf("Out of memory: the kernel killed %" PRIu64
                                                 " process%s of the task (limit %s, peak %s)",
                n, n == 1 ? "" : "es", limit_words, peak_words);

        task_event(task, message,
                (const char *const[]){ "unit", task->record.unit, "memory_limit", limit_words, "memory_peak",
                        peak_words, NULL });
}

static void on_oom(void *userdata, const CgroupOom *oom) {
        tell_oom(userdata, oom->n_new, oom->limit == CGROUP_NO_LIMIT ? 0 : oom->limit, oom->peak);
}

static void on_limit(void *userdata, const char *limit, const char *before, const char *now) {
        Task *task = userdata;
        _cleanup_free_ char *message = xasprintf("Limit changed: %s from %s to %s", limit, before, now);

        task_event(task, message,
                (const char *const[]){
                        "unit", task->record.unit, "limit", limit, "before", before, "now", now, NULL });
}

static const CgroupWatchCallbacks callbacks = { .on_oom = on_oom, .on_limit = on_limit };

void task_watch_group(Task *task) {
        if (task->watch || !task->control_group)
                return;

        /* Of a task that is recovered an earlier process of ours told. */
        task->n_oom_before = 0;
        if (task->recovering && task->n_restarts == task->n_restarts_before)
                (void) cgroup_read_oom_kills(NULL, task->control_group, &task->n_oom_before);
        (void) cgroup_watch_new(
                task->engine->event, NULL, task->control_group, &callbacks, task, &task->watch);
}

/* The ledger counts all kills of a run; without a watch nothing of them was told. */
void task_unwatch_group(Task *task, const LedgerEnd *end) {
        uint64_t n_told = 0;

        if (task->watch) {
                cgroup_watch_check(task->watch);
                n_told = task->n_oom_before + cgroup_watch_n_killed(task->watch);
                task->watch = cgroup_watch_free(task->watch);
        }
        if (end->has_unit && end->oom_kills > n_told)
                tell_oom(task, end->oom_kills - n_told, end->memory_limit, end->memory_peak);
}
