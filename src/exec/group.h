/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macro.h"

/*
 * The control group of a command that we run in a container. It is below the group of the container's first
 * process, so that the command counts towards the container's limits and ends with it. It is a group of its
 * own, so that we can kill all processes of the command.
 *
 * We may make groups below the payload, because the unit is delegated (systemd.resource-control(5),
 * Delegate=). The group has no controllers enabled, so its parent may have processes, too (cgroups(7)).
 */
typedef struct ExecGroup ExecGroup;

/**
 * exec_group_new() - make a control group
 * @root:          where control groups are; NULL for the host's
 * @control_group: of the unit, which the leader must be in
 * @leader:        first process of the container
 *
 * Return: 0; or -ESRCH when the leader is gone, -EBUSY when it is frozen, or another negative errno, with
 * @ret_error set.
 */
int exec_group_new(
        const char *root, const char *control_group, pid_t leader, ExecGroup **ret, Error **ret_error);

/* Frees the handle; the control group stays. */
ExecGroup *exec_group_free(ExecGroup *group);
DEFINE_CLEANUP(ExecGroup *, exec_group_free)
#define _cleanup_exec_group_ _cleanup_(exec_group_freep)

/* Return: the group's name, which is a valid name of a scope; owned by the group. */
const char *exec_group_name(const ExecGroup *group);

/* Return: whether a systemd runs in the container and manages groups: the leader is in init.scope then. */
bool exec_group_has_manager(const ExecGroup *group);

/* Return: a descriptor of cgroup.procs, owned by the caller, or a negative errno. */
int exec_group_open_processes(const ExecGroup *group);

/**
 * exec_group_follow() - use the scope of the same name that the systemd in the container made
 * @pid: the process that this systemd moved into the scope
 *
 * The scope's group is the group from now on, and the old one is removed.
 *
 * Return: 0; or -ENOENT when the process is in no such scope of the unit: then nothing has changed.
 */
int exec_group_follow(ExecGroup *group, pid_t pid);

/* Kills every process in the group (cgroup.kill, Linux 5.14; one by one before). */
void exec_group_kill(const ExecGroup *group);

/* Return: a descriptor of cgroup.events, which polls as POLLPRI when the group becomes empty; or -1. */
int exec_group_open_events(const ExecGroup *group);

/* Return: whether there is a process in the group. */
bool exec_group_is_populated(const ExecGroup *group);

/*
 * Removes the group. Processes still in it move to the group of the leader, and belong to the task from then
 * on. Does nothing to a scope, which the container's systemd removes.
 */
void exec_group_remove(ExecGroup *group);

/**
 * exec_groups_kill_abandoned() - kill the processes that commands of a dead caller left in a container
 * @root, @control_group, @leader: as for exec_group_new()
 *
 * When the process that ran a command dies, the kernel kills the command, but not the processes that it had
 * started. The name of a group has the pid of that caller. If another process has this pid by now, the group
 * is left alone.
 */
void exec_groups_kill_abandoned(const char *root, const char *control_group, pid_t leader);
