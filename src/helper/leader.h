/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/resource.h>

#include "init/parse.h"

/* The first process of a container: what it is held to, and where it lives. */
typedef struct Leader {
        pid_t pid;
        int pidfd;
        int root;
        int directory;  /* the one it works in */
        int namespaces; /* flags for setns(2) of those that are not ours */
        Span environment;
        uint64_t bounding; /* capabilities */
        uint64_t inheritable;
        bool no_new_privileges;
        bool filtered; /* its system calls are */
        struct rlimit limits[RLIM_NLIMITS];
        char oom_score_adj[16];
        unsigned long personality;
} Leader;

/**
 * leader_read() - open and read all that is needed of it, from outside
 * @pidfd: of the same process: what is read is another's when that one is gone, and then nothing is done
 *
 * Ends the process with words where it fails, as all of these.
 */
void leader_read(Leader *leader, pid_t pid, int pidfd);

/* Takes over the limits that only a process outside may raise. */
void leader_copy_limits(const Leader *leader);

/*
 * Enters its namespaces and its root directory, as the user 0 there. The pid namespace is that of the next
 * child.
 */
void leader_join(const Leader *leader);

/* Gives up what it may not have: capabilities, and new ones through execve(2). */
void leader_copy_bounds(const Leader *leader);

/* Becomes user 0 with the capabilities that are left to it. */
void leader_copy_capabilities(const Leader *leader);
