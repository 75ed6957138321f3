/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/resource.h>

#include "init/parse.h"

/* The first process of a container: its namespaces, root, limits and privileges, for a command to copy. */
typedef struct Leader {
        pid_t pid;
        int pidfd;
        int root;
        int directory;  /* its working directory */
        int namespaces; /* flags for setns(2), for those that this process is not in */
        Span environment;
        uint64_t bounding; /* capabilities */
        uint64_t inheritable;
        bool no_new_privileges;
        bool filtered; /* it has seccomp filters */
        struct rlimit limits[RLIM_NLIMITS];
        char oom_score_adj[16];
        unsigned long personality;
} Leader;

/**
 * leader_read() - open and read all that is needed of the leader, from outside the container
 * @pidfd: of the same process; if it has ended, another process may have had @pid, and this function fails
 *
 * On failure, all functions of this module end this process with a message.
 */
void leader_read(Leader *leader, pid_t pid, int pidfd);

/* Gives this process the leader's resource limits and OOM score, which only a process outside may raise. */
void leader_copy_limits(const Leader *leader);

/*
 * Enters the leader's namespaces and root directory, as user 0 there. Only children of this process are in
 * the pid namespace.
 */
void leader_join(const Leader *leader);

/* Drops the capabilities from the bounding set that the leader cannot have, and copies its no_new_privs. */
void leader_copy_bounds(const Leader *leader);

/* Reduces the capabilities of this process to those that the leader may have. */
void leader_copy_capabilities(const Leader *leader);
