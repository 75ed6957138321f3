/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "base/string.h"
#include "box/fake-systemd.h"
#include "box/group-box.h"
#include "kernel/cgroup-watch.h"

/* A watch of a group, and what its callbacks got. */
typedef struct Box {
        GroupBox groups;
        sd_event *event;
        CgroupWatch *watch;
        unsigned n_ooms, n_limits, n_marks;
        CgroupOom oom;
        char *limit;
} Box;

static void on_oom(void *userdata, const CgroupOom *oom) {
        Box *box = userdata;

        box->n_ooms++;
        box->oom = *oom;
}

static void on_limit(void *userdata, const char *limit, const char *before, const char *now) {
        Box *box = userdata;

        box->n_limits++;
        free(box->limit);
        box->limit = xasprintf("%s: %s -> %s", limit, before, now);
}

static const CgroupWatchCallbacks callbacks = { on_oom, on_limit };

static void box_open(Box *box) {
        *box = (Box){};
        group_box_open(&box->groups);
        cr_assert_geq(sd_event_new(&box->event), 0);
        group_box_write(&box->groups, "memory.events", "low 0\nhigh 0\nmax 5\noom 2\noom_kill 2\n");
        group_box_write(&box->groups, "memory.max", "134217728\n");
        group_box_write(&box->groups, "memory.high", "max\n");
        group_box_write(&box->groups, "memory.peak", "134000000\n");
        group_box_write(&box->groups, "memory.current", "1000\n");
        group_box_write(&box->groups, "cpu.weight", "100\n");
        group_box_write(&box->groups, "cpu.max", "max 100000\n");
        group_box_write(&box->groups, "pids.max", "512\n");
}

static void box_watch(Box *box) {
        cr_assert_eq(
                cgroup_watch_new(box->event, box->groups.root, GROUP_BOX_NAME, &callbacks, box, &box->watch),
                0);
}

static void box_close(Box *box) {
        cgroup_watch_free(box->watch);
        sd_event_unref(box->event);
        group_box_close(&box->groups);
        free(box->limit);
}
#define _cleanup_box_ _cleanup_(box_close)

static void on_mark(
        void *userdata, const char *limit _unused_, const char *before _unused_, const char *now _unused_) {
        ((Box *) userdata)->n_marks++;
}

/* Waits for all callbacks of earlier changes. Events come in order, so it changes another watch's limit and
 * waits for that callback. */
static void box_settle(Box *box) {
        static const CgroupWatchCallbacks mark_callbacks = { .on_limit = on_mark };
        _cleanup_cgroup_watch_ CgroupWatch *mark = NULL;
        _cleanup_group_box_ GroupBox groups;
        unsigned n = box->n_marks;

        group_box_open(&groups);
        group_box_write(&groups, "pids.max", "1\n");
        cr_assert_eq(
                cgroup_watch_new(box->event, groups.root, GROUP_BOX_NAME, &mark_callbacks, box, &mark), 0);
        group_box_write(&groups, "pids.max", "2\n");
        RUN_UNTIL(box->event, box->n_marks > n);
}

Test(cgroup_watch, a_kill_is_told_with_limit_and_peak) {
        _cleanup_box_ Box box;

        box_open(&box);
        box_watch(&box);
        group_box_write(&box.groups, "memory.events", "low 0\nhigh 0\nmax 9\noom 3\noom_kill 5\n");
        RUN_UNTIL(box.event, box.n_ooms > 0);
        box_settle(&box);

        cr_expect_eq(box.n_ooms, 1);
        cr_expect_eq(box.oom.n_killed, 5);
        cr_expect_eq(box.oom.n_new, 3);
        cr_expect_eq(box.oom.limit, 134217728);
        cr_expect_eq(box.oom.peak, 134000000);
        cr_expect_eq(cgroup_watch_n_killed(box.watch), 3);
        cr_expect_eq(box.n_limits, 0);
}

Test(cgroup_watch, without_a_peak_what_is_used_now_is_told_and_no_limit_is_none) {
        _cleanup_box_ Box box;

        box_open(&box);
        _cleanup_free_ char *peak = group_box_path(&box.groups, "memory.peak");
        cr_assert_eq(unlink(peak), 0);
        group_box_write(&box.groups, "memory.max", "max\n");
        box_watch(&box);
        group_box_write(&box.groups, "memory.events", "oom_kill 3\n");
        RUN_UNTIL(box.event, box.n_ooms > 0);

        cr_expect_eq(box.oom.limit, CGROUP_NO_LIMIT);
        cr_expect_eq(box.oom.peak, 1000);
}

Test(cgroup_watch, other_memory_events_are_no_kills) {
        static const char *const rows[] = {
                "low 1\nhigh 7\nmax 70\noom 9\noom_kill 2\noom_group_kill 5\n",
                "low 1\nhigh 7\nmax 70\noom 9\noom_kill 1\n",
                "low 1\n",
                "oom_kill \n",
                "oom_kill x\n",
                "oom_kill 99999999999999999999\n",
                "",
        };
        _cleanup_box_ Box box;

        box_open(&box);
        box_watch(&box);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                group_box_write(&box.groups, "memory.events", rows[i]);
                box_settle(&box);
                cr_expect_eq(box.n_ooms, 0, "row %zu", i);
        }
        group_box_write(&box.groups, "memory.events", "oom_kill 3\n");
        RUN_UNTIL(box.event, box.n_ooms > 0);
        cr_expect_eq(box.oom.n_new, 1);
}

Test(cgroup_watch, changed_limits_are_told_in_words) {
        static const struct {
                const char *file, *text, *words;
        } rows[] = {
                { "memory.max", "67108864\n", "MemoryMax: 128 MiB -> 64 MiB" },
                { "memory.max", "67112960\n", "MemoryMax: 64 MiB -> 65540 KiB" },
                { "memory.max", "1610612736\n", "MemoryMax: 65540 KiB -> 1536 MiB" },
                { "memory.max", "0\n", "MemoryMax: 1536 MiB -> 0 bytes" },
                { "memory.max", "max\n", "MemoryMax: 0 bytes -> no limit" },
                { "memory.high", "1073741824\n", "MemoryHigh: no limit -> 1 GiB" },
                { "cpu.weight", "50\n", "CPUWeight: 100 -> 50" },
                { "cpu.max", "50000 100000\n", "CPUQuota: no limit -> 50 %" },
                { "cpu.max", "125000 50000\n", "CPUQuota: 50 % -> 250 %" },
                { "cpu.max", "1250 100000\n", "CPUQuota: 250 % -> 1.25 %" },
                { "cpu.max", "max 100000\n", "CPUQuota: 1.25 % -> no limit" },
                { "pids.max", "max\n", "TasksMax: 512 -> no limit" },
                { "pids.max", "12\n", "TasksMax: no limit -> 12" },
        };
        _cleanup_box_ Box box;

        box_open(&box);
        box_watch(&box);
        for (unsigned i = 0; i < ELEMENTSOF(rows); i++) {
                group_box_write(&box.groups, rows[i].file, rows[i].text);
                RUN_UNTIL(box.event, box.n_limits > i);
                cr_expect_str_eq(box.limit, rows[i].words);
        }
        box_settle(&box);
        cr_expect_eq(box.n_limits, ELEMENTSOF(rows));
        cr_expect_eq(box.n_ooms, 0);
}

Test(cgroup_watch, a_limit_that_means_the_same_is_not_told) {
        static const struct {
                const char *file, *text;
        } rows[] = {
                { "memory.max", "134217728\n" },
                { "cpu.max", "max 100000\n" },
                { "cpu.max", "max 50000\n" }, /* another period of no quota */
                { "cpu.weight", "" },
                { "memory.low", "5\n" },
                { "cgroup.procs", "1\n" },
        };
        _cleanup_box_ Box box;

        box_open(&box);
        box_watch(&box);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                group_box_write(&box.groups, rows[i].file, rows[i].text);
                box_settle(&box);
                cr_expect_eq(box.n_limits, 0, "%s: %s", rows[i].file, box.limit);
        }
}

Test(cgroup_watch, the_last_kill_of_a_unit_changes_no_limit_of_tasks) {
        _cleanup_box_ Box box;

        box_open(&box);
        box_watch(&box);
        group_box_write(&box.groups, "pids.max", "0\n");
        box_settle(&box);
        group_box_write(&box.groups, "pids.max", "512\n");
        box_settle(&box);
        cr_expect_eq(box.n_limits, 0, "%s", box.limit);
        group_box_write(&box.groups, "pids.max", "0\n");
        box_settle(&box);
        group_box_write(&box.groups, "pids.max", "7\n");
        RUN_UNTIL(box.event, box.n_limits > 0);
        cr_expect_str_eq(box.limit, "TasksMax: 512 -> 7");
}

Test(cgroup_watch, a_watch_that_begins_during_the_last_kill_of_a_unit_tells_no_limit_of_tasks) {
        _cleanup_box_ Box box;

        box_open(&box);
        group_box_write(&box.groups, "pids.max", "0\n");
        box_watch(&box);
        group_box_write(&box.groups, "pids.max", "512\n");
        box_settle(&box);
        cr_expect_eq(box.n_limits, 0, "%s", box.limit);
        group_box_write(&box.groups, "pids.max", "7\n");
        RUN_UNTIL(box.event, box.n_limits > 0);
        cr_expect_str_eq(box.limit, "TasksMax: 512 -> 7");
}

Test(cgroup_watch, a_limit_whose_file_comes_later_is_told) {
        _cleanup_box_ Box box;

        box_open(&box);
        _cleanup_free_ char *path = group_box_path(&box.groups, "pids.max");
        cr_assert_eq(unlink(path), 0);
        box_watch(&box);
        group_box_write(&box.groups, "pids.max", "max\n");
        box_settle(&box);
        cr_expect_eq(box.n_limits, 0);
        group_box_write(&box.groups, "pids.max", "7\n");
        RUN_UNTIL(box.event, box.n_limits > 0);
        cr_expect_str_eq(box.limit, "TasksMax: no limit -> 7");
}

Test(cgroup_watch, a_look_at_the_end_finds_a_kill_before_its_event_comes) {
        _cleanup_box_ Box box;
        uint64_t kills;

        box_open(&box);
        cr_expect_eq(cgroup_read_oom_kills(box.groups.root, GROUP_BOX_NAME, &kills), 0);
        cr_expect_eq(kills, 2);
        box_watch(&box);
        cgroup_watch_check(box.watch);
        cr_expect_eq(box.n_ooms, 0);

        group_box_write(&box.groups, "memory.events", "oom_kill 3\n");
        cgroup_watch_check(box.watch);
        cr_expect_eq(box.n_ooms, 1);
        cgroup_watch_check(box.watch);
        box_settle(&box);
        cr_expect_eq(box.n_ooms, 1, "told twice");

        group_box_remove(&box.groups);
        cgroup_watch_check(box.watch);
        cr_expect_eq(box.n_ooms, 1);
        cr_expect_eq(cgroup_watch_n_killed(box.watch), 1);
        cr_expect_eq(cgroup_read_oom_kills(box.groups.root, GROUP_BOX_NAME, &kills), -ENOENT);
}

Test(cgroup_watch, nothing_is_told_after_the_watch_is_gone_or_to_nobody) {
        static const CgroupWatchCallbacks none = {};
        _cleanup_box_ Box box;

        box_open(&box);
        box_watch(&box);
        group_box_write(&box.groups, "memory.events", "oom_kill 9\n");
        group_box_write(&box.groups, "pids.max", "9\n");
        box.watch = cgroup_watch_free(box.watch);
        box_settle(&box);
        cr_expect_eq(box.n_ooms + box.n_limits, 0);

        cr_assert_eq(
                cgroup_watch_new(box.event, box.groups.root, GROUP_BOX_NAME, &none, NULL, &box.watch), 0);
        group_box_write(&box.groups, "memory.events", "oom_kill 10\n");
        group_box_write(&box.groups, "pids.max", "10\n");
        box_settle(&box);
        cr_expect_eq(cgroup_watch_n_killed(box.watch), 1);
}

Test(cgroup_watch, a_group_that_is_not_there_cannot_be_watched) {
        static const char *const rows[] = { NULL, "", "/none.slice/such.service" };
        _cleanup_box_ Box box;
        uint64_t kills;

        box_open(&box);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                cr_expect_eq(
                        cgroup_watch_new(box.event, box.groups.root, rows[i], &callbacks, &box, &box.watch),
                        -ENOENT);
                cr_expect_null(box.watch);
                cr_expect_eq(cgroup_read_oom_kills(box.groups.root, rows[i], &kills), -ENOENT);
        }
}

Test(cgroup_watch, a_group_without_memory_events_is_watched_for_its_limits) {
        _cleanup_box_ Box box;

        box_open(&box);
        _cleanup_free_ char *path = group_box_path(&box.groups, "memory.events");
        cr_assert_eq(unlink(path), 0);
        box_watch(&box);
        group_box_write(&box.groups, "cpu.weight", "7\n");
        RUN_UNTIL(box.event, box.n_limits > 0);
        cr_expect_str_eq(box.limit, "CPUWeight: 100 -> 7");
}
