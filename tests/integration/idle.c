/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "idle.h"

#define FILE_MAX_BYTES 65536
#define POLL_USEC 20000

Job *idle_new(const char *script, const char *config) {
        _cleanup_free_ char *whole = xasprintf(
                "%s trap 'exit 3' TERM; echo ready; while :; do read x </local/wait; done", script);
        Job *job = job_new(whole, config);

        free(shell_good("mkfifo -m 666 %s/task/local/wait", job->directory));
        return job;
}

Job *listener_new(const char *arguments, const char *config) {
        _cleanup_free_ char *script = xasprintf("exec /local/listener %s", arguments);
        Job *job = job_new(script, config);

        job_install(job, "listener");
        free(shell_good("mkfifo -m 666 %s/task/local/in", job->directory));
        return job;
}

Job *booted_new(void) {
        _cleanup_free_ char *image = xasprintf("%s/images/debian", test_directory()),
                            *config = xasprintf("{'image': '%s', 'boot': true, 'volatile': 'overlay', "
                                                "'read_only': false, 'network_veth': false}",
                                    image);

        return access(image, F_OK) < 0 ? NULL : job_new(NULL, config);
}

void idle_start(Agent *agent, Job *job) {
        job_start(agent, job);
        stream_wait_text(job->out, IDLE_READY);
}

void idle_finish(Agent *agent, Job *job, int code) {
        job_stop(agent, job, 60, "");
        int got = job_wait(agent, job);
        cr_expect_eq(got, code, "the task ended with %d, signal %d", got, job->signal);
        job_destroy(agent, job);
}

char *leader_of(const Job *job) {
        return shell_good(
                "n=$(systemctl show -P MainPID %s); echo $(cat /proc/$n/task/$n/children)", job->unit);
}

char *child_of(const char *pid) {
        return shell_good("set -- $(cat /proc/%1$s/task/%1$s/children); echo $1", pid);
}

/* Appends the pids and the names of the groups in @path; @below is "" for the unit's own group. */
static void group_visit(const char *path, const char *below, StringBuffer *processes, StringBuffer *groups) {
        _cleanup_free_ char *procs = xasprintf("%s%s/cgroup.procs", path, below), *text = NULL,
                            *directory = xasprintf("%s%s", path, below);
        struct dirent **entries = NULL;

        if (file_read(AT_FDCWD, procs, FILE_MAX_BYTES, &text) > 0)
                string_buffer_append(processes, "%s", text);
        if (*below)
                string_buffer_append(groups, "%s ", below);

        int n = scandir(directory, &entries, NULL, alphasort);
        for (int i = 0; i < n; i++) {
                if (entries[i]->d_type == DT_DIR && entries[i]->d_name[0] != '.') {
                        _cleanup_free_ char *next = xasprintf("%s/%s", below, entries[i]->d_name);

                        group_visit(path, next, processes, groups);
                }
                free(entries[i]);
        }
        free(entries);
}

Inside inside_of(const Job *job) {
        _cleanup_free_ char *path = xasprintf(TASK_SLICE "/%s", job->unit);
        _cleanup_string_buffer_ StringBuffer processes = {}, groups = {};
        Inside inside = {};

        group_visit(path, "", &processes, &groups);
        inside.processes = string_buffer_take(&processes);
        inside.groups = string_buffer_take(&groups);
        for (const char *p = inside.processes; *p; p++)
                inside.n_processes += *p == '\n';
        return inside;
}

void inside_clear(Inside *inside) {
        free(inside->processes);
        free(inside->groups);
        *inside = (Inside){};
}

void inside_wait(const Job *job, const Inside *before) {
        double until = now() + LIMIT_MSEC / 1000.0;

        for (;;) {
                _cleanup_inside_ Inside inside = inside_of(job);

                if (inside.n_processes == before->n_processes && streq(inside.groups, before->groups))
                        return;
                cr_assert_lt(now(), until, "%zu processes, not %zu, in the groups %s, not %s",
                        inside.n_processes, before->n_processes, inside.groups, before->groups);
                (void) usleep(POLL_USEC);
        }
}

void inside_wait_no_command(const Job *job) {
        shell_until("test -z \"$(find " TASK_SLICE "/%s -name 'nspawn-exec-*')\"", job->unit);
}

static bool has_arguments(unsigned long pid, const char *arguments) {
        _cleanup_free_ char *path = xasprintf("/proc/%lu/cmdline", pid), *text = NULL;
        ssize_t n = file_read(AT_FDCWD, path, FILE_MAX_BYTES, &text);

        for (ssize_t i = 0; i + 1 < n; i++)
                if (text[i] == 0)
                        text[i] = ' ';
        return n > 0 && streq(text, arguments);
}

char *inside_find(const Job *job, const char *arguments) {
        double until = now() + LIMIT_MSEC / 1000.0;

        for (;;) {
                _cleanup_inside_ Inside inside = inside_of(job);
                char *found = NULL, *end;
                unsigned n = 0;

                for (char *p = inside.processes;; p = end) {
                        unsigned long pid = strtoul(p, &end, 10);

                        if (end == p)
                                break;
                        /* A process that is moved between two groups may be listed in both. */
                        if (!has_arguments(pid, arguments) || (found && strtoul(found, NULL, 10) == pid))
                                continue;
                        free(found);
                        found = xasprintf("%lu", pid);
                        n++;
                }
                cr_assert_leq(n, 1, "%u processes are \"%s\"", n, arguments);
                if (n > 0)
                        return found;
                cr_assert_lt(now(), until, "\"%s\" does not run", arguments);
                (void) usleep(POLL_USEC);
        }
}
