/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Bytes of all interfaces but the loopback, since they are there. */
typedef struct NetUsage {
        uint64_t received;
        uint64_t sent;
} NetUsage;

/**
 * net_usage_read() - what went over the network of a process's own namespace
 *
 * Return: 0; -ENODATA when the process shares this process's network, where nothing can be told apart;
 * -ESRCH when there is none, or another negative errno.
 */
int net_usage_read(pid_t pid, NetUsage *ret);

/* Sums up the text of a file /proc/PID/net/dev (proc(5)); lines that make no sense are left out. */
void net_usage_parse(const char *text, NetUsage *ret);
