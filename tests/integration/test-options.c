/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <unistd.h>

#include "box.h"

/* Options that change the unit of a task. */
TestSuite(options, .timeout = TEST_SEC);

/* ---- restart ---- */

/* Return: the uptime in seconds at each start of the payload, as the payload noted it; *ret_n of them. */
static double *starts_of(const Job *job, size_t *ret_n) {
        _cleanup_free_ char *text = shell_good("cat %s/task/local/starts", job->directory);
        double *starts = NULL;

        *ret_n = 0;
        for (char *p = text, *end;; p = end) {
                double start = strtod(p, &end);

                if (end == p)
                        return starts;
                starts = xreallocarray(starts, *ret_n + 1, sizeof(double));
                starts[(*ret_n)++] = start;
        }
}

#define NOTE_START "read up idle </proc/uptime; echo $up >>/local/starts; echo start; "

static Job *restarting_new(const char *rest, const char *restart) {
        _cleanup_free_ char *script = xasprintf(NOTE_START "%s", rest);
        _cleanup_free_ char *config = xasprintf("{'restart': %s}", restart);

        return job_new(script, config);
}

static void expect_given_up(const Job *job, const char *restarts, const char *result) {
        shell_until(
                "test $(systemctl show -P ActiveState %1$s) = failed && test $(systemctl show -P NRestarts %1$s) = %2$s",
                job->unit, restarts);
        _cleanup_free_ char *got = job_property(job, "Result");
        cr_expect_str_eq(got, result, "%s", got);
}

Test(options, a_failed_task_restarts_in_place_max_attempts_times_with_the_delay) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = restarting_new(
                "exit 5", "[{'policy': 'on-failure', 'delay': '2000ms', 'max_attempts': 2}]");
        size_t n;

        job_start(&agent, job);
        /* systemd counts a third restart as well and refuses it; systemd 262 has that in Result. */
        expect_given_up(job, "3", systemd_version() < 262 ? "exit-code" : "start-limit-hit");
        _cleanup_free_ double *starts = starts_of(job, &n);
        cr_assert_eq(n, 3, "%zu starts", n);
        for (size_t i = 1; i < n; i++)
                cr_expect_geq(starts[i] - starts[i - 1], 2.0, "%f", starts[i] - starts[i - 1]);

        const char *const rows[][2] = {
                { "Restart", "on-failure" },
                { "RestartUSec", "2s" },
                { "StartLimitBurst", "3" },
                { "StartLimitIntervalUSec", "infinity" },
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *value = job_property(job, rows[i][0]);
                cr_expect_str_eq(value, rows[i][1], "%s: %s", rows[i][0], value);
        }
        int code = job_wait(&agent, job);
        cr_expect_eq(code, 5, "%d", code);
        job_destroy(&agent, job);
}

Test(options, a_restarted_task_that_succeeds_is_over) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = restarting_new(
                "test $(wc -l </local/starts) = 3 || exit 4", "{'policy': 'on-failure', 'delay': 1}");

        job_start(&agent, job);
        shell_until(
                "test $(systemctl show -P ActiveState %s) = inactive && test $(wc -l <%s/task/local/starts) = 3",
                job->unit, job->directory);
        _cleanup_free_ char *limit = job_property(job, "StartLimitIntervalUSec");
        cr_expect_str_eq(limit, "0", "%s", limit);
        int code = job_wait(&agent, job);
        cr_expect_eq(code, 0, "%d", code);
        stream_wait_text(job->out, "start\nstart\nstart\n");
        job_destroy(&agent, job);
}

Test(options, without_restart_a_failure_is_the_end) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = restarting_new("exit 5", "{}");
        size_t n;

        job_start(&agent, job);
        cr_expect_eq(job_wait(&agent, job), 5);
        expect_given_up(job, "0", "exit-code");
        _cleanup_free_ double *starts = starts_of(job, &n);
        cr_expect_eq(n, 1, "%zu starts", n);
        job_destroy(&agent, job);
}

/* ---- init ---- */

Test(options, without_an_init_the_command_is_the_first_process) {
        static const struct {
                const char *script;
                int code;
                const char *out;
        } rows[] = {
                { "echo $$; cat /proc/1/comm; exit 7", 7, "1\nsh\n" },
                { "echo \"$GREETING $HOME\"; echo aside >&2", 0, "hello /local\n" },
                { "exec /no/such/program", 127, "" },
        };
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[ELEMENTSOF(rows)];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                jobs[i] = job_new(rows[i].script, "{'init': false}");
                job_set_env(jobs[i], "GREETING", "hello");
                job_set_env(jobs[i], "HOME", "/local");
                job_start_begin(&agent, jobs[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                job_start_end(jobs[i]);
                int code = job_wait(&agent, jobs[i]);
                cr_expect_eq(code, rows[i].code, "%s: %d", rows[i].script, code);
                _cleanup_free_ char *out = stream_wait_end(jobs[i]->out, NULL);
                cr_expect_str_eq(out, rows[i].out, "%s: %s", rows[i].script, out);
                job_destroy(&agent, jobs[i]);
                (void) job_free(jobs[i]);
        }
}

/* The pipe cannot be opened without a writer, so the shell waits there until a signal comes. */
#define LOOP "echo ready; while :; do read -t 1 x </local/never; done"

Test(options, without_an_init_the_command_itself_handles_the_stop_signal) {
        static const struct {
                const char *trap, *signal, *stop; /* NULL: as Nomad does */
                int code;
        } rows[] = {
                { "trap 'exit 9' TERM", "", NULL, 9 },
                { "trap 'exit 10' USR1", "SIGUSR1", NULL, 10 },
                { "trap 'exit 11' TERM", NULL, "systemctl stop", 11 },
                /* The kernel ignores SIGTERM to a process 1 without a handler. */
                { ":", "", NULL, 137 },
        };
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[ELEMENTSOF(rows)];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *script = xasprintf("%s\n" LOOP, rows[i].trap);
                jobs[i] = job_new(script, "{'init': false}");
                free(shell_good("mkfifo -m 666 %s/task/local/never", jobs[i]->directory));
                job_start_begin(&agent, jobs[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                job_start_end(jobs[i]);
                stream_wait_text(jobs[i]->out, "ready");
                if (rows[i].stop)
                        free(shell_good("%s %s", rows[i].stop, jobs[i]->unit));
                else
                        job_stop(&agent, jobs[i], rows[i].code == 137 ? 2 : 60, rows[i].signal);
                int code = job_wait(&agent, jobs[i]);
                cr_expect_eq(code, rows[i].code, "%s: %d", rows[i].trap, code);
                job_destroy(&agent, jobs[i]);
                (void) job_free(jobs[i]);
        }
}

/* ---- output ---- */

#define SAY "echo to-$WHERE-out; echo to-$WHERE-err >&2"

static void expect_in_journal(const Job *job, const char *where) {
        shell_until(
                "journalctl -q --no-pager -o cat NOMAD_ALLOC_ID=%1$s NOMAD_TASK_NAME=task SYSLOG_IDENTIFIER=task | "
                "grep -qx to-%2$s-out",
                job->config.alloc_id, where);
        shell_until(
                "journalctl -q --no-pager -o cat NOMAD_ALLOC_ID=%1$s _SYSTEMD_UNIT=%3$s | grep -qx to-%2$s-err",
                job->config.alloc_id, where, job->unit);
        _cleanup_free_ char *own = shell_good(
                "journalctl -q --no-pager -o cat NOMAD_ALLOC_ID=%s _COMM=systemd-nspawn",
                job->config.alloc_id);
        cr_expect_null(strstr(own, "to-"), "nspawn's own entries have output of the task: %s", own);
}

Test(options, output_that_a_job_does_not_want_collected_is_in_the_journal) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = job_new(SAY, NULL);

        string_replace(&job->config.stdout_path, "/dev/null");
        string_replace(&job->config.stderr_path, "/dev/null");
        job_set_env(job, "WHERE", "null");
        job_start(&agent, job);
        cr_expect_eq(job_wait(&agent, job), 0);
        expect_in_journal(job, "null");
        job_destroy(&agent, job);
}

Test(options, without_log_collection_output_is_in_the_journal_and_no_pipe_is_looked_for) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = job_new(SAY, NULL), *collected = job_new(SAY, NULL);
        Driver__CapabilitiesRequest request = DRIVER__CAPABILITIES_REQUEST__INIT;

        agent_configure(&agent, "{'disable_log_collection': true}");
        Driver__CapabilitiesResponse *reply = agent_call(
                &agent, DRIVER "Capabilities", &request, &driver__capabilities_response__descriptor);
        cr_assert(reply->capabilities->disable_log_collection);
        driver__capabilities_response__free_unpacked(reply, NULL);

        free(shell_good("rm %s %s", job->config.stdout_path, job->config.stderr_path));
        job_set_env(job, "WHERE", "journal");
        job_start(&agent, job);
        cr_expect_eq(job_wait(&agent, job), 0);
        expect_in_journal(job, "journal");
        free(shell_good("! test -e %s && ! test -e %s", job->config.stdout_path, job->config.stderr_path));
        job_destroy(&agent, job);

        /* If there are pipes, the driver does not use them. */
        job_set_env(collected, "WHERE", "journal");
        job_start(&agent, collected);
        cr_expect_eq(job_wait(&agent, collected), 0);
        expect_in_journal(collected, "journal");
        _cleanup_free_ char *out = stream_text(collected->out), *err = stream_text(collected->err);
        cr_expect_str_empty(out);
        cr_expect_str_empty(err);
        job_destroy(&agent, collected);
}

/* ---- memory ---- */

Test(options, the_oom_policy_of_the_job_is_set_on_the_unit) {
        static const char *const rows[][2] = {
                { NULL, "continue" },
                { "{'oom_policy': 'stop'}", "stop" },
                { "{'oom_policy': 'kill'}", "kill" },
        };
        _cleanup_agent_ Agent agent = agent_start();

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_job_ Job *job = job_new("exit 0", rows[i][0]);

                job_start(&agent, job);
                _cleanup_free_ char *value = job_property(job, "OOMPolicy");
                cr_expect_str_eq(value, rows[i][1], "%s", value);
                cr_expect_eq(job_wait(&agent, job), 0);
                job_destroy(&agent, job);
        }
}
