/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>

#include "idle.h"

/* Commands in tasks: the results that an agent gets, and the processes that a command leaves. */
TestSuite(exec, .timeout = TEST_SEC);

typedef struct Row {
        const char *const *command;
        int code, signal;
        const char *out;
        const char *err; /* a part of it, NULL for none */
} Row;

static void expect_ran(const Row *row, const Ran *ran, const char *how) {
        _cleanup_free_ char *what = xasprintf("%s of %s %s", how, row->command[0],
                row->command[1] && row->command[2] ? row->command[2] : "");

        cr_expect(ran->code == row->code && ran->signal == row->signal, "%s: code %d, signal %d\n%s%s", what,
                ran->code, ran->signal, ran->out, ran->err);
        cr_expect_str_eq(ran->out, row->out, "%s: %s", what, ran->out);
        cr_expect(row->err ? strstr(ran->err, row->err) != NULL : ran->n_err == 0, "%s: %s", what, ran->err);
}

static void expect_refused(Agent *agent, Job *job, grpc_status_code code, const char *part) {
        _cleanup_free_ char *called = job_exec_fails(agent, job, EXEC_SEC, ARGV("/bin/true"), code);
        _cleanup_session_ Session *session = session_open(agent, job, false, ARGV("/bin/true"));
        _cleanup_free_ char *streamed = session_fails(session, code);

        expect_text(called, part);
        expect_text(streamed, part);
}

Test(exec, results_of_commands_are_exact_and_a_command_that_cannot_start_says_why) {
        const Row rows[] = {
                { SH("echo out; echo err >&2"), 0, 0, "out\n", "err\n" },
                { ARGV("echo", "-n", "a  b", "$HOME \"c\" \\", "ü"), 0, 0, "a  b $HOME \"c\" \\ ü", NULL },
                { SH("cat; exit 43"), 43, 0, "", NULL },
                { SH("exit 133"), 133, 0, "", NULL },
                { SH("kill -KILL $$"), 137, 9, "", NULL },
                { SH("kill -USR1 $$"), 138, 10, "", NULL },
                { ARGV("/no/such/program"), 127, 0, "", "/no/such/program" },
                { ARGV("no-such-program"), 127, 0, "", "no-such-program" },
                { ARGV("/etc/passwd"), 126, 0, "", "/etc/passwd" },
                { ARGV("/etc"), 126, 0, "", "/etc" },
        };
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = idle_new("", NULL);

        idle_start(&agent, job);
        _cleanup_inside_ Inside before = inside_of(job);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_ran_ Ran called = job_exec(&agent, job, EXEC_SEC, rows[i].command),
                                  streamed = session_run(&agent, job, false, NULL, 0, rows[i].command);

                expect_ran(&rows[i], &called, "ExecTask");
                expect_ran(&rows[i], &streamed, "ExecTaskStreaming");
        }
        _cleanup_free_ char *words = job_exec_fails(
                &agent, job, EXEC_SEC, (const char *const[]){ NULL }, GRPC_STATUS_INVALID_ARGUMENT);
        expect_text(words, "command");

        free(shell_good("systemctl freeze %s", job->unit));
        expect_refused(&agent, job, GRPC_STATUS_FAILED_PRECONDITION, "frozen");
        free(shell_good("systemctl thaw %s", job->unit));
        inside_wait(job, &before);

        job_stop(&agent, job, 60, "");
        cr_expect_eq(job_wait(&agent, job), IDLE_CODE);
        expect_refused(&agent, job, GRPC_STATUS_FAILED_PRECONDITION, "not run");
        job_destroy(&agent, job);
        expect_refused(&agent, job, GRPC_STATUS_NOT_FOUND, "task not found");
}

/* A shell that waits, and a child of it in another session. */
#define TREE SH("setsid sleep 20001 & echo up; sleep 20002")

static void expect_none(const char *pattern) {
        _cleanup_free_ char *left = shell(NULL, "pgrep -fax '%s'", pattern);

        cr_expect_str_empty(left, "%s", left);
}

static void check_what_is_killed(Agent *agent, Job *job) {
        _cleanup_inside_ Inside before = inside_of(job);

        double begin = now();
        _cleanup_free_ char *words = job_exec_fails(agent, job, 3, TREE, GRPC_STATUS_DEADLINE_EXCEEDED);
        double took = now() - begin;
        expect_text(words, "3s");
        cr_expect(took >= 3 && took < 30, "%f", took);
        inside_wait(job, &before);

        ClientCall *call = job_exec_begin(agent, job, EXEC_SEC, TREE);
        free(inside_find(job, "sleep 20001"));
        (void) client_call_free(call);
        inside_wait(job, &before);

        for (int tty = 0; tty < 2; tty++) {
                Session *session = session_open(agent, job, tty, TREE);

                (void) session_wait_text(session, 0, "up");
                free(inside_find(job, "sleep 20001"));
                (void) session_free(session);
                inside_wait(job, &before);
        }
        expect_none("sleep 2000[12]");
}

static void check_what_is_left(Agent *agent, Job *job) {
        _cleanup_inside_ Inside before = inside_of(job);
        _cleanup_free_ char *called = job_shell(agent, job, "sleep 30001 >/dev/null 2>&1 & echo $!");
        _cleanup_ran_ Ran streamed = session_run(
                agent, job, false, NULL, 0, SH("sleep 30002 >/dev/null 2>&1 & echo $!"));

        free(inside_find(job, "sleep 30001"));
        free(inside_find(job, "sleep 30002"));
        /* Other commands that begin and end do not kill them. */
        free(job_shell(agent, job, "true"));
        free(job_shell(agent, job, "kill %s %s", called, streamed.out));
        inside_wait(job, &before);

        /* ExecTask does not wait for a process that holds the output open. */
        free(job_shell(agent, job, "sleep 30003 &"));
        free(inside_find(job, "sleep 30003"));
}

Test(exec, a_command_opens_its_streams_by_name_whoever_it_runs_as) {
        static const char *const configs[] = { NULL, "{'user': 'app'}" };
        const Row row = { SH("cat </dev/stdin >/dev/stdout; echo err >/dev/stderr"), 0, 0, "in", "err\n" };
        _cleanup_agent_ Agent agent = agent_start();

        for (size_t i = 0; i < ELEMENTSOF(configs); i++) {
                _cleanup_job_ Job *job = idle_new("", configs[i]);

                idle_start(&agent, job);
                _cleanup_ran_ Ran piped = session_run(&agent, job, false, "in", 2, row.command);
                _cleanup_ran_ Ran shown = session_run(&agent, job, true, "in\n\004", 4, row.command);

                expect_ran(&row, &piped, "ExecTaskStreaming");
                cr_expect_eq(shown.code, 0, "%d: %s", shown.code, shown.out);
                expect_text(shown.out, "err\r\n");
                idle_finish(&agent, job, IDLE_CODE);
        }
}

Test(exec, a_timeout_or_a_closed_call_kills_all_processes_of_a_command_but_its_own_exit_kills_none) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = idle_new("", NULL);

        idle_start(&agent, job);
        check_what_is_killed(&agent, job);
        check_what_is_left(&agent, job);
        idle_finish(&agent, job, IDLE_CODE);
        expect_none("sleep 3000[123]");
}

static void check_driver_killed(Job *job, const char *ready, const char *settle, int code) {
        Agent first = agent_start();

        job_start(&first, job);
        stream_wait_text(job->out, ready);
        free(job_shell(&first, job, "%s", settle));
        inside_wait_no_command(job);
        _cleanup_inside_ Inside before = inside_of(job);
        ClientCall *call = job_exec_begin(&first, job, EXEC_SEC, SH("setsid sleep 40001; :"));
        Session *session = session_open(&first, job, true, SH("setsid sleep 40002; :"));
        free(inside_find(job, "sleep 40001"));
        free(inside_find(job, "sleep 40002"));

        plugin_signal(first.plugin, SIGKILL);
        cr_assert_eq(plugin_wait(first.plugin, LIMIT_MSEC, NULL), 0);
        (void) client_call_free(call);
        (void) session_free(session);
        agent_clear(&first);

        _cleanup_agent_ Agent second = agent_start();
        job_recover(&second, job);
        shell_until("! pgrep -fax 'sleep 4000[12]'");
        free(job_shell(&second, job, "true"));
        inside_wait(job, &before);
        idle_finish(&second, job, code);
}

Test(exec, commands_of_a_killed_driver_are_gone_after_the_recovery_by_another) {
        _cleanup_job_ Job *job = idle_new("", NULL), *booted = booted_new();

        check_driver_killed(job, IDLE_READY, "true", IDLE_CODE);
        if (booted)
                check_driver_killed(
                        booted, BOOTED_READY, "systemctl is-system-running --wait | grep -v starting", 0);
}
