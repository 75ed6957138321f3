/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "nomad/compute.h"
#include "box/tree.h"

/* ---- the topology ---- */

#define CORES_MAX 4

typedef struct Core {
        uint64_t base, max, guess;
        bool disable;
} Core;

static bool from_cores(size_t n, const Core *rows, uint64_t override, Compute *ret) {
        Base__ClientTopology topology = BASE__CLIENT_TOPOLOGY__INIT;
        Base__ClientTopologyCore cores[CORES_MAX], *pointers[CORES_MAX];

        cr_assert_leq(n, CORES_MAX);
        for (size_t i = 0; i < n; i++) {
                base__client_topology_core__init(&cores[i]);
                cores[i].base_speed = rows[i].base;
                cores[i].max_speed = rows[i].max;
                cores[i].guess_speed = rows[i].guess;
                cores[i].disable = rows[i].disable;
                pointers[i] = &cores[i];
        }
        topology.n_cores = n;
        topology.cores = pointers;
        topology.override_total_compute = override;
        return compute_from_topology(&topology, ret);
}

Test(compute, topology_sums_up_the_best_known_speed_of_all_cores) {
        static const struct {
                size_t n;
                Core cores[CORES_MAX];
                uint64_t override;
                double total;
        } rows[] = {
                { 2, { { 2000, 3000, 1000 }, { 2000, 3000, 1000 } }, 0, 4000 },
                { 2, { { 0, 3000, 1000 }, { 0, 0, 1000 } }, 0, 4000 },
                { 3, { { 2000, 0, 0 }, { 2000, 0, 0, true }, { 1000, 0, 0 } }, 0, 5000 },
                { 2, { { 2000, 0, 0 }, { 2000, 0, 0 } }, 9000, 9000 },
                { 1, { { 0, 0, 0 } }, 700, 700 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Compute compute = {};

                cr_expect(from_cores(rows[i].n, rows[i].cores, rows[i].override, &compute), "row %zu", i);
                cr_expect_float_eq(compute.total_mhz, rows[i].total, 0.001, "row %zu", i);
                cr_expect_eq(compute.n_cores, rows[i].n);
        }
}

Test(compute, a_topology_that_says_too_little_changes_nothing) {
        static const Core unknown[] = { {}, {} };
        Compute compute = { 5, 6 };

        cr_expect_not(compute_from_topology(NULL, &compute));
        cr_expect_not(from_cores(0, NULL, 0, &compute));
        cr_expect_not(from_cores(0, NULL, 9000, &compute), "total ticks of no core");
        cr_expect_not(from_cores(2, unknown, 0, &compute));
        cr_expect_eq(compute.n_cores, 6);
        cr_expect_float_eq(compute.total_mhz, 5, 0.001);
}

/* ---- the host ---- */

static char root[] = "/tmp/test-compute-XXXXXX";

static void enter(void) {
        cr_assert_not_null(mkdtemp(root));
}

static void leave(void) {
        (void) tree_remove(root);
}

TestSuite(compute_host, .init = enter, .fini = leave);

static void write_below(const char *path, const char *text) {
        _cleanup_free_ char *full = xasprintf("%s/%s", root, path);

        for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
                *slash = 0;
                (void) mkdir(full, 0755);
                *slash = '/';
        }
        cr_assert_eq(file_write_private(full, text, strlen(text)), 0);
}

#define FREQUENCY(cpu) "sys/devices/system/cpu/cpu" cpu "/cpufreq/cpuinfo_max_freq"

Test(compute_host, the_highest_frequency_counts_for_every_core) {
        Compute compute;

        write_below("proc/cpuinfo", "cpu MHz\t\t: 9000.5\n");
        write_below(FREQUENCY("0"), "1800000\n");
        write_below(FREQUENCY("1"), "2400999\n");
        write_below(FREQUENCY("2"), "nonsense\n");
        compute_from_host(root, 4, &compute);
        cr_expect_float_eq(compute.total_mhz, 9600, 0.001);
        cr_expect_eq(compute.n_cores, 4);
}

Test(compute_host, without_frequencies_cpuinfo_counts) {
        static const struct {
                const char *cpuinfo;
                double total;
        } rows[] = {
                { "processor\t: 0\ncpu MHz\t\t: 1200.7\n\nprocessor\t: 1\ncpu MHz\t\t: 2445.426\n", 4890 },
                { "cpu MHz\n", 0 },
                { "cpu MHz : \ncpu MHz : x\ncpu MHz : -5\ncpu MHz : 1e30\ncpu MHz : nan\n", 0 },
                { "processor\t: 0\nBogoMIPS\t: 48.00\n", 0 },
                { "", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Compute compute;

                write_below("proc/cpuinfo", rows[i].cpuinfo);
                compute_from_host(root, 2, &compute);
                cr_expect_float_eq(
                        compute.total_mhz, rows[i].total, 0.001, "row %zu: %f", i, compute.total_mhz);
                cr_expect_eq(compute.n_cores, 2);
                cr_expect_eq(compute_is_known(&compute), rows[i].total > 0);
        }
}

Test(compute_host, a_host_that_tells_nothing_is_not_known) {
        Compute compute;

        compute_from_host(root, 8, &compute);
        cr_expect_not(compute_is_known(&compute));
        cr_expect_float_eq(compute_ticks(&compute, 100), 0, 0.001);
}

/* ---- arithmetic ---- */

Test(compute, ticks_are_a_share_of_the_average_core) {
        static const struct {
                Compute compute;
                double percent, ticks;
        } rows[] = {
                { { 8000, 4 }, 100, 2000 },
                { { 8000, 4 }, 250, 5000 },
                { { 8000, 4 }, 0, 0 },
                { { 3000, 2 }, 10, 150 },
                { { 0, 4 }, 100, 0 },
                { { 8000, 0 }, 100, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                cr_expect_float_eq(compute_ticks(&rows[i].compute, rows[i].percent), rows[i].ticks, 0.001,
                        "row %zu", i);
}

#define SEC UINT64_C(1000000000)

Test(compute, rates_are_percent_of_a_core_since_the_last_sample) {
        static const struct {
                uint64_t counter_usec, at_nsec;
                double percent;
        } rows[] = {
                { 500, 10 * SEC, 0 }, /* the first */
                { 1000500, 11 * SEC, 100 }, { 1500500, 12 * SEC, 50 }, { 1500500, 13 * SEC, 0 },
                { 7500500, 15 * SEC, 300 }, { 7500501, 16 * SEC, 0.0001 },
                { 8000000, 16 * SEC, 0 },                           /* no time passed */
                { 9000000, 17 * SEC, 100 }, { 20000, 18 * SEC, 0 }, /* the group was made anew */
                { 270000, 19 * SEC, 25 }, { 270001, 5 * SEC, 0 },   /* the clock went back */
        };
        RateMeter meter = {};

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                double percent = rate_meter_percent(&meter, rows[i].counter_usec, rows[i].at_nsec);

                cr_expect_float_eq(percent, rows[i].percent, 1e-7, "row %zu: %f", i, percent);
        }
}

Test(compute, a_counter_that_begins_at_zero_has_a_rate_from_the_second_sample_on) {
        RateMeter meter = {};

        cr_expect_float_eq(rate_meter_percent(&meter, 0, SEC), 0, 1e-7);
        cr_expect_float_eq(rate_meter_percent(&meter, 1000000, 2 * SEC), 100, 1e-7);
}

Test(compute, huge_counters_do_not_overflow) {
        RateMeter meter = {};

        (void) rate_meter_percent(&meter, 0, 0);
        double percent = rate_meter_percent(&meter, UINT64_MAX, SEC);
        cr_expect_float_eq(percent / 1.8446744073709552e15, 1, 1e-9, "%f", percent);
}
