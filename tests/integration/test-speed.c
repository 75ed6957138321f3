/* SPDX-License-Identifier: Apache-2.0 */

#include "bare.h"

/* Measurements that need the whole host. The suite alone is declared in test-plugin.c. */

#define ROUNDS 3

Test(alone, a_start_costs_little_more_than_nspawn_itself) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_bare_ Bare *bare = NULL;
        Job *jobs[ROUNDS];
        double ours[ROUNDS], floor[ROUNDS];

        for (unsigned i = 0; i < ROUNDS; i++) {
                Job *job = jobs[i] = job_new(
                        "echo ready; trap 'exit 0' TERM; while :; do read x </local/wait; done", NULL);

                free(shell_good("mkfifo -m 666 %s/task/local/wait", job->directory));
                double begin = now();
                job_start(&agent, job);
                ours[i] = now() - begin;
                if (!bare)
                        bare = bare_new(job);
                job_stop(&agent, job, 30, "");
                job_destroy(&agent, job);

                floor[i] = bare_start(bare);
                (void) bare_stop(bare);
        }

        double a = median(ours, ROUNDS), b = median(floor, ROUNDS);
        measured("StartTask, median of 3", "%.3f s", a);
        measured("StartTransientUnit of the same nspawn, median of 3", "%.3f s", b);
        measured("ratio", "%.2f", a / b);
        for (unsigned i = 0; i < ROUNDS; i++)
                (void) job_free(jobs[i]);
        cr_assert_lt(a, b * 1.5 + 0.2);
}
