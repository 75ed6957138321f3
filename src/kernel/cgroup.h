/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * The numbers that the kernel keeps for a unit, in the files of its control group (cgroup v2; Linux,
 * Documentation/admin-guide/cgroup-v2.rst). systemd itself reads the same files, so the numbers agree with
 * systemctl show and systemd-cgtop. All of them include the groups below.
 */

#define CGROUP_ROOT "/sys/fs/cgroup"

/* Times are microseconds, sizes bytes; memory, swap and tasks are present values, the others only grow. */
typedef enum CgroupValue {
        CGROUP_CPU_USEC,
        CGROUP_CPU_USER_USEC,
        CGROUP_CPU_SYSTEM_USEC,
        CGROUP_CPU_THROTTLED, /* periods in which the unit used up its CPU quota */
        CGROUP_CPU_THROTTLED_USEC,
        CGROUP_MEMORY_CURRENT,
        CGROUP_MEMORY_PEAK,   /* Linux 5.19 */
        CGROUP_MEMORY_ANON,   /* of processes */
        CGROUP_MEMORY_FILE,   /* page cache and tmpfs */
        CGROUP_MEMORY_KERNEL, /* Linux 5.18 */
        CGROUP_MEMORY_SWAP,
        CGROUP_TASKS,
        CGROUP_IO_READ, /* bytes, of all devices */
        CGROUP_IO_WRITTEN,
        _CGROUP_VALUE_MAX,
} CgroupValue;

#define CGROUP_BIT(value) (UINT32_C(1) << (value))
#define CGROUP_ALL (CGROUP_BIT(_CGROUP_VALUE_MAX) - 1)

typedef struct CgroupUsage {
        uint32_t measured; /* CGROUP_BIT() of each value that is known; the others are 0 */
        uint64_t values[_CGROUP_VALUE_MAX];
} CgroupUsage;

static inline bool cgroup_usage_has(const CgroupUsage *usage, CgroupValue value) {
        return usage->measured & CGROUP_BIT(value);
}

/* Keeps the files of one group open. */
typedef struct CgroupReader CgroupReader;

/**
 * cgroup_reader_new() - get ready to read a group
 * @root:          where groups are; NULL for CGROUP_ROOT
 * @control_group: value of the unit's property ControlGroup; NULL or empty when there is none, and then
 *                 nothing is ever measured
 * @wanted:        CGROUP_BIT() of the values to read; files without any of them are never opened
 *
 * Opens no file yet. The reader later keeps a descriptor for each file that it reads.
 */
CgroupReader *cgroup_reader_new(const char *root, const char *control_group, uint32_t wanted);
CgroupReader *cgroup_reader_free(CgroupReader *reader);
DEFINE_CLEANUP(CgroupReader *, cgroup_reader_free)
#define _cleanup_cgroup_reader_ _cleanup_(cgroup_reader_freep)

/**
 * cgroup_reader_read() - read the wanted values
 *
 * It is no error when a value is missing because the kernel or the unit's controllers do not have it, or
 * when its text is no number: `measured` then lacks its bit. If systemd restarted the unit, the reader finds
 * the new group of the same name, which counts from 0. Allocates nothing.
 */
void cgroup_reader_read(CgroupReader *reader, CgroupUsage *ret);

/**
 * cgroup_path() - path of a file of a group
 * @root:          NULL for CGROUP_ROOT
 * @control_group: as for cgroup_reader_new()
 * @file:          NULL for the group's directory
 *
 * Return: the path, owned by the caller; NULL when there is no group.
 */
char *cgroup_path(const char *root, const char *control_group, const char *file);

/* Return: the control group of a process (cgroups(7)), owned by the caller; NULL when it is gone. */
char *cgroup_of_process(pid_t pid);

/* Return: whether @group is @other or below it. */
bool cgroup_is_below(const char *group, const char *other);

/**
 * cgroup_find_frozen() - find the frozen group that keeps a group's processes from running (cgroup.freeze)
 *
 * Return: the group itself or the nearest one above it that is frozen, owned by the caller; NULL when none
 * is, or there is no such group.
 */
char *cgroup_find_frozen(const char *root, const char *control_group);

/* Thaws the group if it is frozen, but no group above it. Return: 0 or a negative errno. */
int cgroup_thaw(const char *root, const char *control_group);
