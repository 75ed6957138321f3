/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "box.h"

/* Tasks run on while plugins end and start. */
TestSuite(recovery, .timeout = TEST_SEC);

#define N_TASKS 5

/* A payload that counts as fast as its output is read, until SIGTERM. */
#define COUNTER_SHARES 100 /* low, so that other tests have time to run beside it */
#define COUNTER "trap 'echo last $i; exit 3' TERM; i=0; while :; do echo $i; i=$((i + 1)); done"

/* Checks that no number is missing, and that the payload's last line has the last of them. */
static void expect_all_numbers(const char *text) {
        const char *line = text;
        char *end;

        for (unsigned long i = 0;; i++) {
                unsigned long n = strtoul(line, &end, 10);

                if (end == line) {
                        const char *last = string_after_prefix(line, "last ");

                        cr_assert_not_null(last, "after %lu lines: %.40s", i, line);
                        unsigned long told = strtoul(last, NULL, 10);
                        /* The signal may come after the echo of a number and before the addition. */
                        cr_assert(told == i || told + 1 == i, "%lu lines, %lu counted", i, told);
                        cr_assert_gt(i, 100);
                        return;
                }
                cr_assert_eq(n, i, "%lu follows %lu", n, i - 1);
                line = end + 1;
        }
}

static void agent_kill(Agent *agent) {
        plugin_signal(agent->plugin, SIGKILL);
        cr_assert_eq(plugin_wait(agent->plugin, LIMIT_MSEC, NULL), 0);
}

static size_t length(Job *job) {
        _cleanup_free_ char *text = stream_text(job->out);

        return strlen(text);
}

Test(recovery, five_tasks_survive_sigkill_of_the_plugin_and_lose_nothing) {
        Agent first = agent_start();
        Job *jobs[N_TASKS];
        char *pids[N_TASKS];
        size_t before[N_TASKS];

        for (size_t i = 0; i < N_TASKS; i++) {
                jobs[i] = job_new(COUNTER, NULL);
                job_set_cpu_shares(jobs[i], COUNTER_SHARES);
                job_start_begin(&first, jobs[i]);
        }
        for (size_t i = 0; i < N_TASKS; i++) {
                job_start_end(jobs[i]);
                stream_wait_text(jobs[i]->out, "\n100\n");
                pids[i] = job_property(jobs[i], "MainPID");
        }

        agent_kill(&first);
        for (size_t i = 0; i < N_TASKS; i++)
                before[i] = length(jobs[i]);

        /* The tasks run on without a plugin. */
        for (size_t i = 0; i < N_TASKS; i++) {
                double until = now() + LIMIT_MSEC / 1000.0;

                while (length(jobs[i]) <= before[i])
                        cr_assert_lt(now(), until, "task %zu stands still", i);
        }

        _cleanup_agent_ Agent second = agent_start();
        double begin = now();
        for (size_t i = 0; i < N_TASKS; i++)
                job_recover(&second, jobs[i]);
        measured("RecoverTask of 5 tasks", "%.3f s", now() - begin);

        /* An agent that is started again recovers the tasks of a plugin that still runs. */
        Agent third = { .client = client_new(plugin_socket(second.plugin)) };
        for (size_t i = 0; i < N_TASKS; i++) {
                job_recover(&third, jobs[i]);
                _cleanup_free_ char *pid = job_property(jobs[i], "MainPID");
                cr_expect_str_eq(pid, pids[i]);
        }

        for (size_t i = 0; i < N_TASKS; i++) {
                job_stop(&third, jobs[i], 60, "SIGTERM");
                int code = job_wait(&second, jobs[i]);
                cr_expect_eq(code, 3, "exit code %d", code);
                _cleanup_free_ char *out = stream_wait_end(jobs[i]->out, NULL);
                expect_all_numbers(out);
                job_destroy(&third, jobs[i]);
                (void) job_free(jobs[i]);
                free(pids[i]);
        }
        third.client = client_free(third.client);
        agent_clear(&first);
}

/* A task that ends when the test writes to its pipe. */
static Job *waiting_job_new(const char *then) {
        _cleanup_free_ char *script = xasprintf("echo ready; read x </local/wait; %s", then);
        Job *job = job_new(script, NULL);

        free(shell_good("mkfifo -m 666 %s/task/local/wait", job->directory));
        return job;
}

static void job_go_on(Job *job) {
        free(shell_good("echo >%s/task/local/wait", job->directory));
        shell_until("test \"$(systemctl show -P LoadState %s)\" = not-found", job->unit);
}

Test(recovery, an_exit_while_no_plugin_runs_is_reported_exactly) {
        static const struct {
                const char *then;
                int code, signal;
        } rows[] = { { "exit 0", 0, 0 }, { "exit 133", 133, 0 }, { "kill -SEGV $$", 139, 11 } };
        Agent first = agent_start();
        Job *jobs[ELEMENTSOF(rows)];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                jobs[i] = waiting_job_new(rows[i].then);
                job_start_begin(&first, jobs[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                job_start_end(jobs[i]);
                stream_wait_text(jobs[i]->out, "ready");
        }
        agent_kill(&first);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                job_go_on(jobs[i]);

        _cleanup_agent_ Agent second = agent_start();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                job_recover(&second, jobs[i]);
                int code = job_wait(&second, jobs[i]);
                cr_expect_eq(code, rows[i].code, "%s: %d", rows[i].then, code);
                cr_expect_eq(
                        jobs[i]->signal, rows[i].signal, "%s: signal %d", rows[i].then, jobs[i]->signal);
                job_destroy(&second, jobs[i]);
                (void) job_free(jobs[i]);
        }
        agent_clear(&first);
}

Test(recovery, a_task_without_a_record_or_with_a_newer_handle_is_not_recovered) {
        Agent first = agent_start();
        _cleanup_job_ Job *job = waiting_job_new("exit 0");
        Driver__RecoverTaskRequest request = DRIVER__RECOVER_TASK_REQUEST__INIT;

        job_start(&first, job);
        stream_wait_text(job->out, "ready");
        agent_kill(&first);
        job_go_on(job);

        /* After a restart of the host there is no record. */
        free(shell_good("rm -r /run/nspawn-units/tasks/%s", job->machine));

        _cleanup_agent_ Agent second = agent_start();
        request.handle = job->started->handle;
        _cleanup_free_ char *gone = agent_call_fails(
                &second, DRIVER "RecoverTask", &request, GRPC_STATUS_FAILED_PRECONDITION);
        expect_text(gone, "task not found for given id");

        request.handle->version = 1000;
        _cleanup_free_ char *newer = agent_call_fails(
                &second, DRIVER "RecoverTask", &request, GRPC_STATUS_FAILED_PRECONDITION);
        expect_text(newer, "newer");

        /* Nomad destroys a task that it could not recover. */
        job_destroy(&second, job);
        agent_clear(&first);
}

Test(recovery, a_second_plugin_leaves_the_tasks_of_the_first_alone) {
        _cleanup_agent_ Agent first = agent_start();
        _cleanup_job_ Job *a = job_new("echo ready; read x </local/wait; exit 4", NULL);
        _cleanup_job_ Job *b = job_new("exit 5", NULL);

        free(shell_good("mkfifo -m 666 %s/task/local/wait", a->directory));
        job_start(&first, a);
        stream_wait_text(a->out, "ready");

        Agent second = agent_start();
        agent_configure(&second, NULL);
        free(job_run(&second, b, 5));
        plugin_signal(second.plugin, SIGTERM);
        int status;
        cr_assert_eq(plugin_wait(second.plugin, LIMIT_MSEC, &status), 0);
        cr_assert_eq(status, 0);
        agent_clear(&second);

        free(shell_good("systemctl is-active %s", a->unit));
        free(shell_good("echo >%s/task/local/wait", a->directory));
        cr_assert_eq(job_wait(&first, a), 4);
        job_destroy(&first, a);
}
