/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <linux/filter.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * nspawn installs one for each architecture that the processor runs, and one more; services add their own.
 */
#define FILTERS_MAX 64

/* The seccomp filters of a process, in the order in which they were installed. */
typedef struct Filters {
        size_t n;
        struct sock_fprog programs[FILTERS_MAX];
} Filters;

/**
 * filters_read() - copy the filters of a process
 * @lock: descriptor to flock() meanwhile, since a process can have only one tracer at a time; or -1
 *
 * The kernel gives them to a tracer with CAP_SYS_ADMIN that has no filters itself
 * (PTRACE_SECCOMP_GET_FILTER, ptrace(2); Linux 4.4, CONFIG_CHECKPOINT_RESTORE). Stops the process meanwhile;
 * its parent does not notice. On failure, ends this process with a message.
 */
void filters_read(pid_t pid, int lock, Filters *ret);

/* Installs the filters in this process, which needs CAP_SYS_ADMIN in its user namespace or no_new_privs. */
void filters_install(const Filters *filters);
