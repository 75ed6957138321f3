/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>

#include "base/string.h"
#include "engine/task.h"
#include "engine/watch.h"
#include "loop/must.h"

#define MEBIBYTE (UINT64_C(1) << 20)

/* How long kills are counted before they are reported. */
#define OOM_USEC (500 * USEC_PER_MSEC)

static char *size_in_words(uint64_t bytes) {
        return bytes >= MEBIBYTE ? xasprintf("%" PRIu64 " MiB", bytes / MEBIBYTE)
                                 : xasprintf("%" PRIu64 " KiB", bytes / 1024);
}

char *limit_in_words(uint64_t limit) {
        return limit > 0 && limit != CGROUP_NO_LIMIT ? size_in_words(limit) : xstrdup("none of its own");
}

static char *peak_in_words(uint64_t peak) {
        return peak > 0 ? size_in_words(peak) : xstrdup("unknown");
}

char *oom_describe(uint64_t n_killed, uint64_t limit, uint64_t peak) {
        _cleanup_free_ char *most = limit_in_words(limit), *reached = peak_in_words(peak);

        return xasprintf("the kernel killed %" PRIu64 " process%s of the task (limit %s, peak %s)", n_killed,
                n_killed == 1 ? "" : "es", most, reached);
}

/* Reports the kills that were not reported yet. */
static void tell_oom(Task *task) {
        const CgroupOom oom = task->oom;

        task->oom_timer = sd_event_source_disable_unref(task->oom_timer);
        if (oom.n_new == 0)
                return;
        task->oom.n_new = 0;

        _cleanup_free_ char *limit = limit_in_words(oom.limit), *peak = peak_in_words(oom.peak);
        _cleanup_free_ char *words = oom_describe(oom.n_new, oom.limit, oom.peak);
        _cleanup_free_ char *message = xasprintf("Out of memory: %s", words);

        task_event(task, message,
                (const char *const[]){
                        "unit", task->record.unit, "memory_limit", limit, "memory_peak", peak, NULL });
}

static int on_oom_timeout(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        tell_oom(userdata);
        return 0;
}

/* The kernel may kill several processes, one after another: they are reported as one event. */
static void on_oom(void *userdata, const CgroupOom *oom) {
        Task *task = userdata;
        uint64_t n_new = task->oom.n_new + oom->n_new;

        task->oom = *oom;
        task->oom.n_new = n_new;
        if (!task->oom_timer)
                event_must(sd_event_add_time_relative(task->engine->event, &task->oom_timer, CLOCK_MONOTONIC,
                        OOM_USEC, 0, on_oom_timeout, task));
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

        /* Kills before the recovery were reported by an earlier process of ours; they are not reported
         * again. */
        task->n_oom_before = 0;
        if (task->recovered && task->n_restarts == task->n_restarts_before)
                (void) cgroup_read_oom_kills(NULL, task->control_group, &task->n_oom_before);
        (void) cgroup_watch_new(
                task->engine->event, NULL, task->control_group, &callbacks, task, &task->watch);
}

/* The notes count all kills of a run; without a watch none of them was reported. */
void task_unwatch_group(Task *task, const RunEnd *end) {
        uint64_t n_told = 0;

        if (task->watch) {
                cgroup_watch_check(task->watch);
                n_told = task->n_oom_before + cgroup_watch_n_killed(task->watch);
                task->watch = cgroup_watch_free(task->watch);
        }
        if (end->has_unit && end->oom_kills > n_told) {
                task->oom.n_new += end->oom_kills - n_told;
                task->oom.limit = end->memory_limit;
                task->oom.peak = end->memory_peak;
        }
        tell_oom(task);
}
