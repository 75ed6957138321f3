/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/*
 * Watches a unit's control group without polling: the kernel killed a process for want of memory, or
 * somebody changed a limit (systemctl set-property). Both come as inotify events of the group's files
 * (Linux, Documentation/admin-guide/cgroup-v2.rst, memory.events); all watches of an event loop share one
 * inotify descriptor.
 */
typedef struct CgroupWatch CgroupWatch;

#define CGROUP_NO_LIMIT UINT64_MAX

typedef struct CgroupOom {
        uint64_t n_killed; /* processes killed since the group was made, those of groups below included */
        uint64_t n_new;    /* of these, since the last call of on_oom() */
        uint64_t limit;    /* bytes; CGROUP_NO_LIMIT */
        uint64_t peak;     /* most memory ever used, bytes; before Linux 5.19 the current use; 0 unknown */
} CgroupOom;

/* None of them may free the watch. */
typedef struct CgroupWatchCallbacks {
        /* Processes were killed: the group, or one it is in, was out of memory. */
        void (*on_oom)(void *userdata, const CgroupOom *oom);
        /*
         * A limit has changed. @limit is its name for systemctl set-property ("MemoryMax"), @before and @now
         * are texts for people ("128 MiB", "no limit"). All are valid during the call.
         */
        void (*on_limit)(void *userdata, const char *limit, const char *before, const char *now);
} CgroupWatchCallbacks;

/**
 * cgroup_watch_new() - watch a group
 * @root:          where groups are; NULL for CGROUP_ROOT
 * @control_group: value of the unit's property ControlGroup
 * @callbacks:     must live as long as the watch; any of them may be NULL
 *
 * The watch does not report what happened before: it counts kills from now on, and compares limits with
 * their present values. It reports no kills if the memory controller is not enabled for the group.
 *
 * When systemd restarts the unit, it makes a new group of the same name. The caller then needs a new watch.
 *
 * Return: 0; -ENOENT when there is no such group, or another negative errno.
 */
int cgroup_watch_new(sd_event *event, const char *root, const char *control_group,
        const CgroupWatchCallbacks *callbacks, void *userdata, CgroupWatch **ret);
CgroupWatch *cgroup_watch_free(CgroupWatch *watch);
DEFINE_CLEANUP(CgroupWatch *, cgroup_watch_free)
#define _cleanup_cgroup_watch_ _cleanup_(cgroup_watch_freep)

/**
 * cgroup_watch_check() - look for kills now
 *
 * May call on_oom(), as when an event comes. For a unit that is ending: its group will be gone before the
 * loop dispatches the events in the queue. Does nothing when the group is gone.
 */
void cgroup_watch_check(CgroupWatch *watch);

/* Return: how many kills the watch has seen since it was made, even if on_oom is NULL. */
uint64_t cgroup_watch_n_killed(const CgroupWatch *watch);

/**
 * cgroup_read_oom_kills() - kills of a group since it was made
 * @root: NULL for CGROUP_ROOT
 *
 * Return: 0, -ENOENT when the group is gone or its memory is not accounted, -ENODATA when the kernel does
 * not count them, or another negative errno.
 */
int cgroup_read_oom_kills(const char *root, const char *control_group, uint64_t *ret);
