/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bare.h"
#include "base/fd.h"
#include "idle.h"

/* The cost of commands. The suite exec is declared in test-exec.c, the suite alone in test-plugin.c. */

#define AT_ONCE 20
#define WARM 50
#define IN_TURN 200

/* How much the heap may still grow after everything was done a few times. */
#define GROWTH_KIB 1024

static void run_in_turn(Agent *agent, const Job *job, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                _cleanup_ran_ Ran ran = job_exec(agent, job, EXEC_SEC, ARGV("/bin/true"));

                cr_assert(ran.code == 0 && ran.n_err == 0, "%u: %d %s", i, ran.code, ran.err);
        }
}

static void wait_for_file(const char *path) {
        double until = now() + LIMIT_MSEC / 1000.0;

        while (access(path, F_OK) < 0) {
                cr_assert_lt(now(), until, "%s does not come", path);
                (void) usleep(20000);
        }
}

/* Runs commands at the same time: each waits for a line, and gets it when all of them run. */
static void run_at_once(Agent *agent, const Job *job) {
        _cleanup_free_ char *gate = xasprintf("%s/task/local/gate", job->directory),
                            *go = xcalloc(AT_ONCE, 1);
        ClientCall *calls[AT_ONCE];
        Session *sessions[AT_ONCE];

        free(shell_good("mkfifo -m 666 %s", gate));
        _cleanup_fd_ int fd = open(gate, O_RDWR | O_CLOEXEC);
        for (unsigned i = 0; i < AT_ONCE; i++) {
                _cleanup_free_ char *line = xasprintf(
                        "echo %u; >/local/here%u; read x </local/gate; exit %u", i, i, i);

                calls[i] = i % 2 ? job_exec_begin(agent, job, EXEC_SEC, SH(line)) : NULL;
                sessions[i] = i % 2 ? NULL : session_open(agent, job, i % 4, SH(line));
        }
        for (unsigned i = 0; i < AT_ONCE; i++) {
                _cleanup_free_ char *path = xasprintf("%s/task/local/here%u", job->directory, i);

                wait_for_file(path);
        }
        memset(go, '\n', AT_ONCE);
        cr_assert_eq(fd_write_all(fd, go, AT_ONCE), 0);
        for (unsigned i = 0; i < AT_ONCE; i++) {
                _cleanup_ran_ Ran ran = sessions[i] ? session_end(sessions[i]) : job_exec_end(calls[i]);

                cr_expect(ran.code == (int) i && atoi(ran.out) == (int) i, "%u: %d %s%s", i, ran.code,
                        ran.out, ran.err);
                (void) session_free(sessions[i]);
        }
}

Test(exec, many_commands_at_once_and_in_turn_leave_nothing_behind) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = idle_new("", NULL);

        idle_start(&agent, job);
        run_in_turn(&agent, job, 1);
        _cleanup_inside_ Inside before = inside_of(job);
        AgentCost first = agent_cost(&agent);

        double begin = now();
        run_at_once(&agent, job);
        double at_once = now() - begin;
        inside_wait(job, &before);
        run_in_turn(&agent, job, WARM);
        AgentCost warm = agent_cost(&agent);
        begin = now();
        run_in_turn(&agent, job, IN_TURN - WARM);
        double in_turn = now() - begin;
        inside_wait(job, &before);
        shell_until("test $(ls /proc/%d/fd | wc -l) = %.0f", plugin_pid(agent.plugin), first.fds);
        AgentCost last = agent_cost(&agent);

        measured("exec, 20 at once", "%.2f s", at_once);
        measured("exec, one after another", "%.1f ms each", in_turn / (IN_TURN - WARM) * 1000);
        measured("exec, the driver before, after 70 and after 220",
                "%.0f, %.0f, %.0f descriptors; %.0f, %.0f, %.0f children; RSS %.0f, %.0f, %.0f KiB",
                first.fds, warm.fds, last.fds, first.children, warm.children, last.children, first.rss_kib,
                warm.rss_kib, last.rss_kib);
        cr_expect_eq(last.fds, first.fds);
        cr_expect_eq(last.children, 0);
        cr_expect_lt(last.rss_kib, warm.rss_kib + GROWTH_KIB);
        idle_finish(&agent, job, IDLE_CODE);
}

/* ---- a hostile process that watches while commands begin ---- */

#define ATTACKED 25

Test(exec, a_starting_command_reveals_nothing_of_the_host_to_the_task) {
        static const char *const more[] = { "", ", 'user_namespacing': false" };
        _cleanup_agent_ Agent agent = agent_start();

        for (size_t i = 0; i < ELEMENTSOF(more); i++) {
                /* The program looks for a variable that only the driver has. */
                _cleanup_free_ char *config = xasprintf(
                        "{'command': ['/local/escape', 'NOMAD_PLUGIN_MAGIC_COOKIE']%s}", more[i]);
                _cleanup_job_ Job *job = job_new(NULL, config);

                job_install(job, "escape");
                job_start(&agent, job);
                stream_wait_text(job->out, "ready");
                run_in_turn(&agent, job, ATTACKED);
                for (unsigned tty = 0; tty < 2; tty++) {
                        _cleanup_ran_ Ran ran = session_run(&agent, job, tty, NULL, 0, ARGV("/bin/true"));
                        cr_expect_eq(ran.code, 0, "%d %s", ran.code, ran.err);
                }
                job_stop(&agent, job, 60, "");
                cr_expect_eq(job_wait(&agent, job), 0);
                _cleanup_free_ char *out = stream_wait_end(job->out, NULL);
                const char *seen = strstr(out, "seen ");
                cr_expect_null(strstr(out, "ESCAPE"), "%s", out);
                cr_assert(seen && atoi(seen + strlen("seen ")) > 0, "%s", out);
                measured("exec, attacked", "%.*s of %d commands", (int) strcspn(seen, "\n"), seen,
                        ATTACKED + 2);
                job_destroy(&agent, job);
        }
}

/* ---- time ---- */

#define ROUNDS 9

Test(alone, an_exec_costs_little_more_than_joining_the_namespaces) {
        char path[] = "/bin/true", *command[] = { path, NULL };
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = idle_new("", NULL);
        double ours[ROUNDS], floor[ROUNDS];

        idle_start(&agent, job);
        _cleanup_free_ char *leader = leader_of(job);
        for (unsigned i = 0; i < ROUNDS; i++) {
                double begin = now();
                _cleanup_ran_ Ran ran = job_exec(&agent, job, EXEC_SEC, ARGV("/bin/true"));
                ours[i] = now() - begin;
                cr_assert_eq(ran.code, 0, "%d %s", ran.code, ran.err);
                floor[i] = bare_exec((pid_t) atol(leader), command);
        }
        double a = median(ours, ROUNDS) * 1000, b = median(floor, ROUNDS) * 1000;
        measured("ExecTask of /bin/true, median of 9", "%.1f ms", a);
        measured("clone, setns, clone and execve of the same, median of 9", "%.1f ms", b);
        cr_expect_lt(a, b + 200);
        idle_finish(&agent, job, IDLE_CODE);
}
