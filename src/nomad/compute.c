/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/string.h"
#include "nomad/compute.h"

/* Enough for a thousand cores with long lists of flags. */
#define CPUINFO_MAX (8 * 1024 * 1024)
#define SYS_FILE_MAX 4096

double compute_ticks(const Compute *compute, double percent) {
        return compute_is_known(compute) ? percent / 100 * compute->total_mhz / compute->n_cores : 0;
}

static uint64_t core_mhz(const Base__ClientTopologyCore *core) {
        if (core->base_speed > 0)
                return core->base_speed;
        return core->max_speed > 0 ? core->max_speed : core->guess_speed;
}

bool compute_from_topology(const Base__ClientTopology *topology, Compute *ret) {
        Compute compute = {};

        if (!topology)
                return false;

        compute.n_cores = (unsigned) topology->n_cores;
        for (size_t i = 0; i < topology->n_cores; i++)
                compute.total_mhz += (double) core_mhz(topology->cores[i]);
        if (topology->override_total_compute > 0)
                compute.total_mhz = (double) topology->override_total_compute;
        if (!compute_is_known(&compute))
                return false;

        *ret = compute;
        return true;
}

/* Return: the highest frequency of any core in kHz; 0 when it is unknown. */
static uint64_t highest_khz(const char *root, unsigned n_cores) {
        uint64_t highest = 0, khz;

        for (unsigned i = 0; i < n_cores; i++) {
                _cleanup_free_ char *path = xasprintf(
                        "%s/sys/devices/system/cpu/cpu%u/cpufreq/cpuinfo_max_freq", root, i);
                _cleanup_free_ char *text = NULL;

                if (file_read(AT_FDCWD, path, SYS_FILE_MAX, &text) <= 0)
                        continue;
                text[strcspn(text, "\n")] = 0;
                if (string_parse_u64(text, &khz) && khz > highest)
                        highest = khz;
        }
        return highest;
}

/* Return: the MHz that the fastest core runs at now; 0 when that is unknown. */
static double current_mhz(const char *root) {
        _cleanup_free_ char *path = xasprintf("%s/proc/cpuinfo", root), *text = NULL;
        double highest = 0;
        char *rest, *line;

        if (file_read(AT_FDCWD, path, CPUINFO_MAX, &text) < 0)
                return 0;

        rest = text;
        while ((line = strsep(&rest, "\n"))) {
                const char *value = string_after_prefix(line, "cpu MHz"), *colon;

                if (!value || !(colon = strchr(value, ':')))
                        continue;
                double mhz = strtod(colon + 1, NULL);
                if (mhz > highest && mhz < 1e6)
                        highest = mhz;
        }
        return highest;
}

void compute_from_host(const char *root, unsigned n_cores, Compute *ret) {
        /* Cuts off the fraction, as Nomad does. */
        uint64_t mhz = highest_khz(root, n_cores) / 1000;

        if (mhz == 0)
                mhz = (uint64_t) current_mhz(root);
        *ret = (Compute){ .total_mhz = (double) mhz * n_cores, .n_cores = n_cores };
}

double rate_meter_percent(RateMeter *meter, uint64_t counter_usec, uint64_t at_nsec) {
        RateMeter before = *meter;

        *meter = (RateMeter){ true, counter_usec, at_nsec };
        if (!before.primed || counter_usec <= before.counter_usec || at_nsec <= before.at_nsec)
                return 0;
        return (double) (counter_usec - before.counter_usec) * NSEC_PER_USEC * 100 /
                (double) (at_nsec - before.at_nsec);
}
