/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/* What a host must have for tasks to run on it. */
typedef struct HostFacts {
        bool is_root;
        bool runs_systemd;    /* as PID 1 (sd_booted(3)) */
        bool unified_cgroups; /* cgroup v2 alone at /sys/fs/cgroup (cgroups(7)) */
        const char *nspawn;   /* absolute path of systemd-nspawn, static; NULL when there is none */
} HostFacts;

void host_facts_probe(HostFacts *ret);

/* Return: 0, or a negative errno with @ret_error set, which names the first thing that is missing. */
int host_facts_check(const HostFacts *facts, Error **ret_error);

/* Directories where systemd-nspawn may be; NULL-terminated. To be watched for changes. */
extern const char *const host_program_directories[];
