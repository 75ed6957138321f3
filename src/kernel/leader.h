/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>

#include "base/macro.h"

/* The processes of a container as the host sees them, found from systemd-nspawn's own pid. */

/**
 * leader_find() - the first process of a container
 * @supervisor:    pid of systemd-nspawn, the unit's MainPID
 * @root:          where control groups are; NULL for CGROUP_ROOT
 * @control_group: of the unit; NULL or empty while it is unknown
 *
 * The leader is nspawn's child that is process 1 of another pid namespace (proc(5), NSpid). If the kernel
 * does not list it among the children, this function looks in the group that nspawn makes for the container.
 *
 * Return: its pid; -ESRCH when there is none (yet, or any more), or another negative errno.
 */
pid_t leader_find(pid_t supervisor, const char *root, const char *control_group);

/**
 * payload_find() - process 2 of a container: the task itself below an init that is not the image's own
 *
 * Return: its pid, or a negative errno as leader_find().
 */
pid_t payload_find(pid_t leader);

/**
 * process_open() - get a pidfd for a process
 * @parent: pid that its parent must have; checked after the open, to notice that the kernel reused @pid
 *
 * Return: a pidfd, close-on-exec (pidfd_open(2), Linux 5.3), or a negative errno.
 */
int process_open(pid_t pid, pid_t parent);

/* Return: the pid of a process in its innermost pid namespace, 0 when unknown. */
pid_t process_inner_pid(pid_t pid);

/* Sends a signal. Return: 0, -ESRCH when the process is gone, or another negative errno. */
int process_signal(int pidfd, int signal);

/*
 * Replaces the functions above in unit tests of the engine and its callers, which have no containers
 * (EngineConfig.processes).
 */
typedef struct LeaderFunctions {
        pid_t (*find)(pid_t supervisor);      /* as leader_find() */
        int (*open)(pid_t pid, pid_t parent); /* as process_open() */
        int (*signal)(int pidfd, int signal); /* signals the payload of this leader */
} LeaderFunctions;
