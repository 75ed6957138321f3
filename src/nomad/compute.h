/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base.pb-c.h"
#include "base/macro.h"

/*
 * Converts processor time into Nomad's units: percent of one core, and ticks (MHz) of the host. Both are
 * calculated as Nomad's own drivers do it (client/lib/cpustats/stats.go; helper/stats/cpu.go of 1.6).
 */
typedef struct Compute {
        double total_mhz; /* of all cores; 0 when unknown */
        unsigned n_cores;
} Compute;

static inline bool compute_is_known(const Compute *compute) {
        return compute->total_mhz > 0 && compute->n_cores > 0;
}

/* Return: how many ticks @percent of one core are; 0 when @compute is not known. */
double compute_ticks(const Compute *compute, double percent);

/**
 * compute_from_topology() - take what Nomad says the host has (since 1.7, numalib/topology.go)
 * @topology: may be NULL
 *
 * Return: whether the topology says enough; otherwise @ret is not changed.
 */
bool compute_from_topology(const Base__ClientTopology *topology, Compute *ret);

/**
 * compute_from_host() - measure the host as Nomad 1.6 does, which sends no topology (client/stats/cpu.go)
 * @root:    "" for this host's own /proc and /sys
 * @n_cores: how many cores are online
 *
 * All cores count as the fastest one: with its highest frequency or, if that is unknown, the one that it
 * runs at now. Where the kernel reports neither (virtual machines that are not x86), total_mhz is 0.
 */
void compute_from_host(const char *root, unsigned n_cores, Compute *ret);

/* Turns readings of a counter into a rate. Zero-initialise it before the first reading. */
typedef struct RateMeter {
        bool primed;
        uint64_t counter_usec;
        uint64_t at_nsec;
} RateMeter;

/**
 * rate_meter_percent() - calculate how much of one core was used since the last call
 * @counter_usec: processor time used in all
 * @at_nsec:      when the counter was read, by any clock that runs steadily
 *
 * Return: percent, 100 for one whole core; 0 in the first call, and when the counter was reset.
 */
double rate_meter_percent(RateMeter *meter, uint64_t counter_usec, uint64_t at_nsec);
