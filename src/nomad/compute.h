/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base.pb-c.h"
#include "base/macro.h"

/*
 * What processor time is worth in Nomad's units: percent of one core, and ticks (MHz) of the host. Both are
 * calculated as Nomad's own drivers do it (client/lib/cpustats/stats.go; helper/stats/cpu.go of 1.6).
 */
typedef struct Compute {
        double total_mhz; /* of all cores; 0 when unknown */
        unsigned n_cores;
} Compute;

static inline bool compute_is_known(const Compute *compute) {
        return compute->total_mhz > 0 && compute->n_cores > 0;
}

/* Return: ticks of that many percent of one core, 0 when nothing is known. */
double compute_ticks(const Compute *compute, double percent);

/**
 * compute_from_topology() - what Nomad says the host has (since 1.7, numalib/topology.go)
 * @topology: may be NULL
 *
 * Return: whether it says enough; @ret is left as it is otherwise.
 */
bool compute_from_topology(const Base__ClientTopology *topology, Compute *ret);

/**
 * compute_from_host() - what Nomad 1.6 would find, which does not say it (client/stats/cpu.go)
 * @root:    "" for this host's own /proc and /sys
 * @n_cores: that are online
 *
 * The fastest core counts for all: its highest frequency, or else what it runs at now. Where the kernel
 * tells neither (virtual machines that are not x86), total_mhz is 0.
 */
void compute_from_host(const char *root, unsigned n_cores, Compute *ret);

/* Makes a rate of a counter. Zero-initialised it knows nothing yet. */
typedef struct RateMeter {
        bool primed;
        uint64_t counter_usec;
        uint64_t at_nsec;
} RateMeter;

/**
 * rate_meter_percent() - how much of one core was used since the last time
 * @counter_usec: processor time used in all
 * @at_nsec:      when that was so, by any clock that runs steadily
 *
 * Return: percent, 100 for one whole core; 0 the first time, and when the counter began anew.
 */
double rate_meter_percent(RateMeter *meter, uint64_t counter_usec, uint64_t at_nsec);
