/* SPDX-License-Identifier: Apache-2.0 */

#include <unistd.h>

#include "box.h"

/* The unit of a task as users of the host see it. */
TestSuite(unit, .timeout = TEST_SEC);

#define SECRET "hunter2-is-the-secret"

/* Language runtimes read their limits from these files; the task cannot change them. */
#define SEES_LIMITS \
        "cd /sys/fs/cgroup; cat memory.max pids.max; echo ready; read x </local/wait; cat memory.max cpu.max; " \
        "(echo max >memory.max) 2>/dev/null || echo fixed"

Test(unit, the_unit_has_the_limits_names_and_journal_fields_of_the_task) {
        Driver__Resources resources = DRIVER__RESOURCES__INIT;
        Driver__AllocatedTaskResources allocated = DRIVER__ALLOCATED_TASK_RESOURCES__INIT;
        Driver__AllocatedMemoryResources memory = DRIVER__ALLOCATED_MEMORY_RESOURCES__INIT;
        Driver__LinuxResources lin = DRIVER__LINUX_RESOURCES__INIT;
        char cpus[] = "1";
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = job_new(SEES_LIMITS, NULL);
        _cleanup_free_ char *description = xasprintf(
                "Nomad task task of job testjob, allocation %s", job->config.alloc_id);

        free(shell_good("mkfifo -m 666 %s/task/local/wait", job->directory));
        memory.memory_mb = 64;
        memory.memory_max_mb = 128;
        allocated.memory = &memory;
        lin.cpu_shares = 512;
        lin.memory_limit_bytes = 128 << 20;
        lin.cpuset_cpus = cpus;
        resources.allocated_resources = &allocated;
        resources.linux_resources = &lin;
        job->config.resources = &resources;
        job_start(&agent, job);
        stream_wait_text(job->out, "134217728\n16384\nready\n");

        const char *const rows[][2] = {
                { "MemoryMax", "134217728" },
                { "MemoryLow", "67108864" },
                { "CPUWeight", "50" },
                { "AllowedCPUs", "1" },
                { "Slice", "nspawn-nomad.slice" },
                { "Description", description },
                { "Type", "notify" },
                { "KillMode", "mixed" },
                { "Delegate", "yes" },
                /* systemd 262 always counts processor time and has no such property. */
                { "CPUAccounting", systemd_version() < 262 ? "yes" : "" },
                { "MemoryAccounting", "yes" },
                { "IOAccounting", "yes" },
                { "TasksAccounting", "yes" },
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *value = job_property(job, rows[i][0]);
                cr_expect_str_eq(value, rows[i][1], "%s: %s", rows[i][0], value);
        }
        _cleanup_free_ char *group = job_property(job, "ControlGroup");
        free(shell_good("test $(cat /sys/fs/cgroup%s/memory.max) = 134217728", group));

        _cleanup_free_ char *fields = job_property(job, "LogExtraFields");
        expect_text(fields, "NOMAD_TASK_NAME=task");
        expect_text(fields, "NOMAD_JOB_ID=testjob");
        shell_until("journalctl -q --no-pager -o cat NOMAD_ALLOC_ID=%s | grep -q .", job->config.alloc_id);
        free(shell_good("machinectl show -p State --value %s | grep -qx running", job->machine));

        /* Of our programs only the init runs, in the container. */
        _cleanup_free_ char *programs = shell_good(
                "for p in $(cat $(find /sys/fs/cgroup%s -name cgroup.procs)); do basename $(readlink /proc/$p/exe); "
                "done | sort | tr '\\n' ' '",
                group);
        cr_expect_str_eq(programs, "busybox init systemd-nspawn ", "%s", programs);
        _cleanup_free_ char *children = shell(NULL, "pgrep -P %d", plugin_pid(agent.plugin));
        cr_expect_str_empty(children);

        free(shell_good("systemctl set-property --runtime %s MemoryMax=96M CPUQuota=150%%", job->unit));
        shell_until("grep -qx '150000 100000' /sys/fs/cgroup%s/cpu.max", group);
        free(shell_good("echo >%s/task/local/wait", job->directory));
        cr_expect_eq(job_wait(&agent, job), 0);
        _cleanup_free_ char *out = stream_wait_end(job->out, NULL);
        expect_text(out, "ready\n100663296\n150000 100000\nfixed\n");
        job_destroy(&agent, job);
        job->config.resources = NULL;
}

Test(unit, no_value_of_the_environment_is_shown_to_another_user) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = job_new("echo ready; read x </local/wait; echo \"$SECRET\"",
                "{'environment': {'OPTION': '" SECRET "-too'}}");

        free(shell_good("mkfifo -m 666 %s/task/local/wait", job->directory));
        job_set_env(job, "SECRET", SECRET);
        job_start(&agent, job);
        stream_wait_text(job->out, "ready");

        const struct {
                const char *command;
                bool empty; /* the command must fail */
        } looks[] = {
                { "ps axeww", false },
                { "systemctl show $UNIT", false },
                { "systemctl show", false },
                { "systemctl cat $UNIT", false },
                { "systemctl status $UNIT", false },
                { "cat /run/systemd/transient/*", false },
                { "cat /proc/[0-9]*/cmdline | tr \"\\000\" \"\\n\"", false },
                { "cat /proc/$(systemctl show -P MainPID $UNIT)/environ", true },
                { "cat /run/nspawn-units/tasks/*/* /run/nspawn-units/tasks/*/unit/*", true },
                { "machinectl show $MACHINE", false },
        };
        for (size_t i = 0; i < ELEMENTSOF(looks); i++) {
                _cleanup_free_ char *seen = shell(NULL,
                        "UNIT=%s MACHINE=%s setpriv --reuid 65534 --regid 65534 --clear-groups sh -c '%s' 2>/dev/null",
                        job->unit, job->machine, looks[i].command);

                cr_expect_eq(string_is_empty(seen), looks[i].empty, "%s shows: %s", looks[i].command, seen);
                cr_expect_null(strstr(seen, "hunter2"), "%s shows the secret", looks[i].command);
        }
        /* Root finds the secret in its file, and in no command line. */
        _cleanup_free_ char *arguments = shell_good(
                "cat /proc/[0-9]*/cmdline | tr '\\000' '\\n' | grep -c hunte[r]2 || true");
        cr_expect_str_eq(arguments, "0");
        free(shell_good("grep -q hunte[r]2 /run/nspawn-units/tasks/%s/unit/secrets", job->machine));

        free(shell_good("echo >%s/task/local/wait", job->directory));
        cr_expect_eq(job_wait(&agent, job), 0);
        _cleanup_free_ char *out = stream_wait_end(job->out, NULL);
        expect_text(out, SECRET);
        job_destroy(&agent, job);
}
