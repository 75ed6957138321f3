/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macro.h"

/*
 * The control group of a command that is run in a container: below that of the container's first process, so
 * that it counts to the container and ends with it, and apart, so that all of it can be killed.
 *
 * It has no controllers: the unit is delegated (systemd.resource-control(5), Delegate=), so what is below
 * its payload is ours to make, and a group without any may be beside processes (cgroups(7)).
 */
typedef struct ExecGroup ExecGroup;

/**
 * exec_group_new() - make a control group
 * @root:          where control groups are; NULL for the host's
 * @control_group: of the unit, which the leader must be in
 * @leader:        first process of the container
 *
 * Return: 0, -ESRCH when the leader is not there, -EBUSY when it is frozen, or another negative errno; with
 * @ret_error set.
 */
int exec_group_new(
        const char *root, const char *control_group, pid_t leader, ExecGroup **ret, Error **ret_error);

/* Leaves the group as it is. */
ExecGroup *exec_group_free(ExecGroup *group);
DEFINE_CLEANUP(ExecGroup *, exec_group_free)
#define _cleanup_exec_group_ _cleanup_(exec_group_freep)

/* Return: its name, that of a scope; owned by the group. */
const char *exec_group_name(const ExecGroup *group);

/* Return: whether a systemd runs in the container and looks after groups: the leader is in its init.scope.
 */
bool exec_group_has_manager(const ExecGroup *group);

/* Return: a descriptor of cgroup.procs, owned by the caller, or a negative errno. */
int exec_group_open_processes(const ExecGroup *group);

/**
 * exec_group_follow() - the systemd in the container moved a process into a scope of the same name
 *
 * That is the group from now on, and the old one is removed.
 *
 * Return: 0; or -ENOENT when it is in no such scope of the unit, and nothing has changed.
 */
int exec_group_follow(ExecGroup *group, pid_t pid);

/* Kills every process in it (cgroup.kill, Linux 5.14; one by one before). */
void exec_group_kill(const ExecGroup *group);

/* Return: a descriptor of cgroup.events, which polls as POLLPRI when the group becomes empty; or -1. */
int exec_group_open_events(const ExecGroup *group);

/* Return: whether a process is in it. */
bool exec_group_is_populated(const ExecGroup *group);

/*
 * Removes it. What is still in it goes to the group of the leader, and is then the task's as all others; a
 * scope of a systemd is left to that one.
 */
void exec_group_remove(ExecGroup *group);

/**
 * exec_groups_kill_abandoned() - end what commands of a caller that is gone left in a container
 * @root, @control_group, @leader: as for exec_group_new()
 *
 * The kernel kills a command with its caller, but not what the command had started. A group is known by its
 * name, which has the caller's pid: nothing is done to it where another process has that by now.
 */
void exec_groups_kill_abandoned(const char *root, const char *control_group, pid_t leader);
