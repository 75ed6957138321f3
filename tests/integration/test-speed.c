/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>

#include "box.h"

/* Numbers that need the host for themselves; the suite alone is declared in test-plugin.c. */

#define ROUNDS 3

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

static double median(double values[static ROUNDS]) {
        qsort(values, ROUNDS, sizeof(*values), compare);
        return values[ROUNDS / 2];
}

/* The same command line of nspawn, started by systemd-run, which comes back when it is ready. */
static double start_bare(const Job *job, unsigned round) {
        _cleanup_free_ char *pid = job_property(job, "MainPID");
        _cleanup_free_ char *text = shell_good(
                "bash -c 'mapfile -d \"\" -t a </proc/%s/cmdline; a=(\"${a[@]/--machine=*/--machine=bare%u}\"); "
                "begin=$EPOCHREALTIME; systemd-run -q --unit=bare%u -p Type=notify -p KillMode=mixed -p Delegate=yes "
                "-p DevicePolicy=closed -p \"DeviceAllow=char-pts rw\" -p \"DeviceAllow=/dev/net/tun rwm\" "
                "-p StandardOutput=null -p CollectMode=inactive-or-failed \"${a[@]}\" >&2; "
                "echo $begin $EPOCHREALTIME' && systemctl stop bare%u",
                pid, round, round, round);
        double begin, end;

        cr_assert_eq(sscanf(text, "%lf %lf", &begin, &end), 2, "%s", text);
        return end - begin;
}

Test(alone, a_start_costs_little_more_than_nspawn_itself) {
        _cleanup_agent_ Agent agent = agent_start();
        double ours[ROUNDS], bare[ROUNDS];

        for (unsigned i = 0; i < ROUNDS; i++) {
                _cleanup_job_ Job *job = job_new(
                        "echo ready; trap 'exit 0' TERM; while :; do read x </local/wait; done", NULL);

                free(shell_good("mkfifo -m 666 %s/task/local/wait", job->directory));
                double begin = now();
                job_start(&agent, job);
                ours[i] = now() - begin;
                bare[i] = start_bare(job, i);
                job_stop(&agent, job, 30, "");
                job_destroy(&agent, job);
        }

        double a = median(ours), b = median(bare);
        measured("StartTask, median of 3", "%.3f s", a);
        measured("systemd-run of the same nspawn, median of 3", "%.3f s", b);
        measured("ratio", "%.2f", a / b);
        cr_assert_lt(a, b * 1.5 + 0.2);
}
