/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <unistd.h>

#include "idle.h"

/*
 * A command has all that the task's own process has, and counts to the task. The suite exec is declared in
 * test-exec.c.
 */

#define MIB (1024 * 1024)

#define SECRET "exec-hunter2"

#define SLEEP ARGV("/bin/sleep", "50001")
#define SLEEP_LINE "/bin/sleep 50001"

/* Each line prints a fact about process $P, which must be the same for a command and the task's process. */
static const struct {
        const char *line;
        const char *value; /* the expected output; NULL for any */
        bool init_differs; /* systemd as process 1 changes it for itself */
} shared_facts[] = {
        { "for n in user mnt pid net ipc uts cgroup time; do readlink /proc/$P/ns/$n; done" },
        { "stat -Lc %d:%i /proc/$P/root" },
        { "readlink /proc/$P/cwd" },
        { "grep -E '^(Uid|Gid|Groups):' /proc/$P/status" },
        { "grep -E '^(Cap...|NoNewPrivs|Seccomp|Seccomp_filters):' /proc/$P/status" },
        { "sed -n 's/^Seccomp:.//p' /proc/$P/status", "2" },
        { "sed -n 's/^Umask:.//p' /proc/$P/status", "0022", true },
        { "cat /proc/$P/limits", NULL, true },
        { "cat /proc/$P/oom_score_adj" },
        { "tr '\\0' '\\n' </proc/$P/environ | sort", NULL, true },
};

/* Facts about the command only. */
static const struct {
        const char *line, *value;
} own_facts[] = {
        { "echo $(ls /proc/$P/fd)", "0 1 2" },
        { "readlink /proc/$P/fd/* | grep -vE '^(pipe|socket):' || true", "" },
        { "test $(ps -o sid= -p $P) = $P && test $(ps -o pgid= -p $P) = $P; echo $?", "0" },
        { "sed -n 's/^Sig\\(Blk\\|Ign\\):.//p' /proc/$P/status | sort -u", "0000000000000000" },
        { "sed -n 's/^TracerPid:.//p' /proc/$P/status", "0" },
        { "tr '\\0' '\\n' </proc/$P/environ | grep ^SECRET=", "SECRET=" SECRET },
        { "tr '\\0' '\\n' </proc/$P/environ | grep ^discovery", "discovery.type=single node" },
        { "grep -las exec-hunte[r]2 /proc/[0-9]*/cmdline || true", "" },
};

#define MARK "-- next --"

static void script_add(StringBuffer *script, const char *line) {
        string_buffer_append(script, "{ %s; }; echo; echo '" MARK "'\n", line);
}

/* Return: the outputs of all lines for this process, in the order of the tables. */
static char **facts_of(const char *pid) {
        _cleanup_string_buffer_ StringBuffer script = {};
        char **facts = NULL;

        string_buffer_append(&script, "P=%s\n", pid);
        for (size_t i = 0; i < ELEMENTSOF(shared_facts); i++)
                script_add(&script, shared_facts[i].line);
        for (size_t i = 0; i < ELEMENTSOF(own_facts); i++)
                script_add(&script, own_facts[i].line);

        _cleanup_free_ char *all = shell_good("%s", script.text);
        for (char *p = all, *end; (end = strstr(p, "\n" MARK)); p = end + strlen("\n" MARK "\n")) {
                while (end > p && end[-1] == '\n')
                        end--;
                strv_consume(&facts, xstrndup(p, (size_t) (end - p)));
                end = strstr(end, "\n" MARK);
        }
        cr_assert_eq(strv_length(facts), ELEMENTSOF(shared_facts) + ELEMENTSOF(own_facts), "%s", all);
        return facts;
}

/* Compares a command with the task's own process. */
static void expect_inside(Agent *agent, const Job *job, const char *own, bool own_is_systemd) {
        _cleanup_session_ Session *session = session_open(agent, job, false, SLEEP);
        _cleanup_free_ char *pid = inside_find(job, SLEEP_LINE);
        _cleanup_strv_ char **wanted = facts_of(own), **got = facts_of(pid);

        for (size_t i = 0; i < ELEMENTSOF(shared_facts); i++) {
                const char *line = shared_facts[i].line, *value = shared_facts[i].value;

                if (!own_is_systemd || !shared_facts[i].init_differs)
                        cr_expect_str_eq(got[i], wanted[i], "%s: %s\nnot %s", line, got[i], wanted[i]);
                if (value)
                        cr_expect_str_eq(got[i], value, "%s: %s", line, got[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(own_facts); i++) {
                const char *fact = got[ELEMENTSOF(shared_facts) + i];

                cr_expect_str_eq(fact, own_facts[i].value, "%s: %s", own_facts[i].line, fact);
        }
        _cleanup_free_ char *place = shell_good("sed -n 's/^0:://p' /proc/%s/cgroup", pid);
        expect_text(place, job->unit);
}

/* A system call that systemd-nspawn denies without CAP_SYS_TIME; the kernel itself allows it to any user. */
#define DENIED "adjtimex >/dev/null"

/* The variables that own_facts expects. */
static void set_variables(Job *job) {
        job_set_env(job, "SECRET", SECRET);
        job_set_env(job, "discovery.type", "single node");
}

static Job *inside_new(const char *config) {
        Job *job = idle_new(DENIED " 2>&1; echo denied $?;", config);

        set_variables(job);
        return job;
}

Test(exec, a_command_has_all_that_the_task_has_and_nothing_of_the_host) {
        static const struct {
                const char *config, *out;
        } rows[] = {
                { "{'working_directory': '/local'}", "/local\nHOME=/root USER=root\n" },
                { "{'user': 'app', 'working_directory': '/home', 'capability': ['CAP_NET_ADMIN']}",
                        "/home\nHOME=/home USER=app\n" },
                { "{'user_namespacing': false, 'user': '12345:54321', 'capability': ['CAP_SYSLOG']}",
                        "/\nHOME=/ USER=\n" },
        };
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[ELEMENTSOF(rows)];

        free(shell_good("setpriv --reuid 65534 --regid 65534 --clear-groups busybox " DENIED));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                jobs[i] = inside_new(rows[i].config);
                job_start_begin(&agent, jobs[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Job *job = jobs[i];

                job_start_end(job);
                stream_wait_text(job->out, IDLE_READY);
                _cleanup_free_ char *leader = leader_of(job), *own = child_of(leader);
                expect_inside(&agent, job, own, false);

                _cleanup_ran_ Ran ran = job_exec(&agent, job, EXEC_SEC,
                        SH("pwd; echo HOME=$HOME USER=$USER; " DENIED " 2>/dev/null; echo denied $?"));
                _cleanup_string_buffer_ StringBuffer expected = {};
                string_buffer_append(&expected, "%sdenied 1\n", rows[i].out);
                cr_expect_str_eq(ran.out, expected.text, "%s", ran.out);
                stream_wait_text(job->out, "denied 1\n");
                idle_finish(&agent, job, IDLE_CODE);
                (void) job_free(job);
        }
}

/* Return: the number, or -1 without such an attribute. */
static double attribute(Agent *agent, const Job *job, const char *name) {
        Driver__InspectTaskRequest request = DRIVER__INSPECT_TASK_REQUEST__INIT;
        double value = -1;

        request.task_id = job->config.id;
        Driver__InspectTaskResponse *reply = agent_call(
                agent, DRIVER "InspectTask", &request, &driver__inspect_task_response__descriptor);
        for (size_t i = 0; i < reply->driver->n_attributes; i++)
                if (streq(reply->driver->attributes[i]->key, name))
                        value = atof(reply->driver->attributes[i]->value);
        driver__inspect_task_response__free_unpacked(reply, NULL);
        return value;
}

static void expect_killed(Ran ran) {
        cr_expect(ran.code == 137 && ran.signal == 9, "%d %d %s", ran.code, ran.signal, ran.err);
        ran_clear(&ran);
}

Test(exec, a_command_shares_the_limits_of_its_task_and_ends_with_it_but_does_not_end_it) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = idle_new("", NULL);

        job_limit_memory(job, 64);
        idle_start(&agent, job);
        double tasks = attribute(&agent, job, "tasks"), cpu = attribute(&agent, job, "cpu_usec");
        _cleanup_session_ Session *piped = session_open(&agent, job, false, ARGV("sleep", "50002")),
                                  *typed = session_open(&agent, job, true, ARGV("sleep", "50003"));
        ClientCall *called = job_exec_begin(&agent, job, EXEC_SEC, ARGV("sleep", "50004"));
        for (unsigned i = 2; i <= 4; i++) {
                _cleanup_free_ char *arguments = xasprintf("sleep 5000%u", i);
                free(inside_find(job, arguments));
        }
        cr_expect_eq(attribute(&agent, job, "tasks"), tasks + 3);
        _cleanup_free_ char *status = shell_good("systemctl status --no-pager -l %s", job->unit);
        expect_text(status, "sleep 50002");
        free(job_shell(&agent, job, "i=0; while test $i -lt 10000; do i=$((i + 1)); done"));
        cr_expect_gt(attribute(&agent, job, "cpu_usec"), cpu + 5000);

        _cleanup_free_ char *leader = leader_of(job);
        expect_killed(job_exec(
                &agent, job, EXEC_SEC, ARGV("dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1")));
        free(shell_good("grep -qx 'oom_kill 1' " TASK_SLICE "/%s/memory.events", job->unit));
        double peak = attribute(&agent, job, "memory_peak") / MIB;
        cr_expect(peak > 60 && peak < 65, "%f MiB", peak);

        /* The kernel killed no other process. */
        _cleanup_free_ char *later = leader_of(job);
        cr_expect_str_eq(later, leader);
        cr_expect_eq(attribute(&agent, job, "tasks"), tasks + 3);

        idle_finish(&agent, job, IDLE_CODE);
        expect_killed(session_end(piped));
        expect_killed(session_end(typed));
        expect_killed(job_exec_end(called));
        _cleanup_free_ char *left = shell(NULL, "pgrep -fax 'sleep 5000[234]'");
        cr_expect_str_empty(left, "%s", left);
}

/* ---- booted ---- */

/* Return: the name of the scope that systemd in the container put the command into. */
static char *scope_of(Agent *agent, const Job *job, const char *pid) {
        _cleanup_free_ char *place = shell_good("sed -n 's/^0:://p' /proc/%s/cgroup", pid);
        const char *name = strrchr(place, '/') + 1;

        cr_assert(string_has_suffix(name, ".scope") && !streq(name, "init.scope"), "%s", place);
        free(job_shell(agent, job,
                "systemctl list-units --plain --no-legend --type=scope | grep -q '^%s .*running'", name));
        return xstrdup(name);
}

Test(exec, a_command_in_a_booted_system_has_a_scope_there_while_it_runs) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = booted_new();

        if (!job)
                cr_skip_test("no Debian image");
        set_variables(job);
        job_start(&agent, job);
        stream_wait_text(job->out, BOOTED_READY);
        free(job_shell(&agent, job, "systemctl is-system-running --wait | grep -v starting"));
        inside_wait_no_command(job);
        _cleanup_inside_ Inside before = inside_of(job);

        _cleanup_free_ char *own = leader_of(job);
        expect_inside(&agent, job, own, true);
        _cleanup_session_ Session *piped = session_open(&agent, job, false, ARGV("sleep", "60001")),
                                  *typed = session_open(&agent, job, true, ARGV("sleep", "60002"));
        _cleanup_free_ char *first = inside_find(job, "sleep 60001"),
                            *second = inside_find(job, "sleep 60002"),
                            *first_scope = scope_of(&agent, job, first),
                            *second_scope = scope_of(&agent, job, second),
                            *inner = job_shell(&agent, job, "cat /proc/self/cgroup");
        cr_expect_str_neq(first_scope, second_scope);
        cr_expect(string_has_suffix(inner, ".scope"), "%s", inner);
        session_send(typed, "\003");
        _cleanup_ran_ Ran interrupted = session_end(typed);
        cr_expect_eq(interrupted.code, 130, "%d", interrupted.code);
        piped = session_free(piped);
        typed = session_free(typed);

        inside_wait(job, &before);
        free(job_shell(&agent, job,
                "systemctl list-units --all --plain --no-legend --type=scope >/run/scopes; "
                "! grep -e '^%s' -e '^%s' /run/scopes",
                first_scope, second_scope));
        _cleanup_ran_ Ran failed = job_exec(
                &agent, job, EXEC_SEC, SH("systemctl --failed --plain --no-legend; exit 7"));
        cr_expect_eq(failed.code, 7);
        cr_expect_str_empty(failed.out, "%s", failed.out);
        idle_finish(&agent, job, 0);
}
