/* SPDX-License-Identifier: Apache-2.0 */

#include <jansson.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "bench.h"
#include "idle.h"

/* What one task costs. Medians; what is compared is measured in turns. */
TestSuite(one, .timeout = 600);

#define ROUNDS 9

Test(one, calibration) {
        char path[] = "/bin/true", *argv[] = { path, NULL };
        double unit[ROUNDS], process[ROUNDS];

        for (size_t i = 0; i < ROUNDS; i++) {
                double begin = now();
                free(shell_good("systemd-run --quiet --wait /bin/true"));
                unit[i] = now() - begin;

                pid_t pid;
                begin = now();
                cr_assert_eq(posix_spawn(&pid, path, NULL, NULL, argv, environ), 0);
                cr_assert_eq(waitpid(pid, NULL, 0), pid);
                process[i] = (now() - begin) * 1000;
        }
        bench_measured("calibration.unit", median(unit, ROUNDS), NULL);
        bench_measured("calibration.process", median(process, ROUNDS), NULL);
}

/* Nothing but user code: the factor between this machine and another. */
Test(one, processor) {
        _cleanup_string_buffer_ StringBuffer text = {};
        double took[ROUNDS];

        string_buffer_append(&text, "[0");
        while (text.length < 1000000)
                string_buffer_append(
                        &text, ",{\"name\":\"value %zu\",\"number\":%zu}", text.length, text.length);
        string_buffer_append(&text, "]");

        for (size_t i = 0; i < ROUNDS; i++) {
                double begin = now();
                json_t *json = json_loads(text.text, 0, NULL);
                took[i] = (now() - begin) * 1000;
                cr_assert_not_null(json);
                json_decref(json);
        }
        bench_measured("calibration.processor", median(took, ROUNDS), NULL);
}

/* Ends at once when it is told to. */
static Job *obedient_job(void) {
        Job *job = job_new("trap 'exit 0' TERM; while :; do read x </local/wait; done", NULL);

        free(shell_good("mkfifo -m 666 %s/task/local/wait", job->directory));
        return job;
}

Test(one, start_and_stop) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *first = obedient_job();
        double start[ROUNDS], stop[ROUNDS], bare_starts[ROUNDS], bare_stops[ROUNDS];

        /* What only the first has to do is in neither. */
        job_start(&agent, first);
        _cleanup_bare_ Bare *bare = bare_new(first);
        job_stop(&agent, first, 30, "");
        job_destroy(&agent, first);
        (void) bare_start(bare);
        (void) bare_stop(bare);

        for (size_t i = 0; i < ROUNDS; i++) {
                _cleanup_job_ Job *job = obedient_job();

                double begin = now();
                job_start(&agent, job);
                start[i] = now() - begin;
                begin = now();
                job_stop(&agent, job, 30, "");
                stop[i] = now() - begin;
                job_destroy(&agent, job);

                bare_starts[i] = bare_start(bare);
                bare_stops[i] = bare_stop(bare);
        }

        double ours = median(start, ROUNDS), floor = median(bare_starts, ROUNDS);
        bench_measured("start.ours", ours, "%.3f to %.3f", start[0], start[ROUNDS - 1]);
        bench_measured("start.bare", floor, "%.3f to %.3f", bare_starts[0], bare_starts[ROUNDS - 1]);
        bench_measured("start.ratio", ours / floor, "medians of %d in turns", ROUNDS);
        ours = median(stop, ROUNDS);
        floor = median(bare_stops, ROUNDS);
        bench_measured("stop.ours", ours, "%.3f to %.3f", stop[0], stop[ROUNDS - 1]);
        bench_measured("stop.bare", floor, "%.3f to %.3f", bare_stops[0], bare_stops[ROUNDS - 1]);
        bench_measured("stop.ratio", ours / floor, NULL);
}

Test(one, exec) {
        char path[] = "/bin/true", *command[] = { path, NULL };
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = idle_new("", NULL);
        double exec[ROUNDS], bare[ROUNDS];

        idle_start(&agent, job);
        _cleanup_free_ char *leader = leader_of(job);
        /* What only the first has to do is in neither. */
        free(job_shell(&agent, job, "true"));
        (void) bare_exec((pid_t) atol(leader), command);

        for (size_t i = 0; i < ROUNDS; i++) {
                double begin = now();
                _cleanup_ran_ Ran ran = job_exec(&agent, job, EXEC_SEC, ARGV(path));
                exec[i] = (now() - begin) * 1000;
                cr_assert_eq(ran.code, 0, "%d %s", ran.code, ran.err);
                bare[i] = bare_exec((pid_t) atol(leader), command) * 1000;
        }
        idle_finish(&agent, job, IDLE_CODE);

        double ours = median(exec, ROUNDS), floor = median(bare, ROUNDS);
        bench_measured("exec.ours", ours, "%.1f to %.1f", exec[0], exec[ROUNDS - 1]);
        bench_measured("exec.bare", floor, "%.1f to %.1f", bare[0], bare[ROUNDS - 1]);
        bench_measured("exec.more", ours - floor, "medians of %d in turns", ROUNDS);
}

/* nspawn refuses a bind mount whose source does not exist; the driver finds other mistakes before the start.
 */
Test(one, refused) {
        _cleanup_agent_ Agent agent = agent_start();
        double took[ROUNDS];

        for (size_t i = 0; i < ROUNDS; i++) {
                _cleanup_job_ Job *job = job_new("true", "{'bind': {'/no/such/source': '/run/x'}}");
                _cleanup_free_ char *text = job_start_fails(&agent, job);
                double told = now(), ended = job_nspawn_ended(job);

                expect_text(text, "/no/such/source");
                cr_assert_gt(ended, 0, "nspawn was not started: %s", text);
                took[i] = told - ended;
        }
        double typical = median(took, ROUNDS);
        bench_measured("refused", typical, "%.3f to %.3f", took[0], took[ROUNDS - 1]);
}
