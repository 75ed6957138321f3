/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <linux/filter.h>
#include <stddef.h>
#include <sys/types.h>

/* nspawn has one for each architecture that the processor runs, and one more; services add theirs. */
#define FILTERS_MAX 64

/* What a process may not call: its seccomp filters, in the order they were installed. */
typedef struct Filters {
        size_t n;
        struct sock_fprog programs[FILTERS_MAX];
} Filters;

/**
 * filters_read() - copy the filters of a process
 * @lock: what is locked meanwhile, since a process has one tracer at a time; or -1
 *
 * The kernel tells them to a tracer with CAP_SYS_ADMIN that is not filtered itself
 * (PTRACE_SECCOMP_GET_FILTER, ptrace(2); Linux 4.4, CONFIG_CHECKPOINT_RESTORE). The process stands still
 * meanwhile; its parent sees nothing of that. Ends this process with words where it fails.
 */
void filters_read(pid_t pid, int lock, Filters *ret);

/* Installs them in this process, which needs CAP_SYS_ADMIN in its user namespace or no_new_privs. */
void filters_install(const Filters *filters);
