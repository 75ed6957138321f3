/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <stdlib.h>

#include "box.h"

/* As many tasks as a big client has. An emulated host needs minutes for them. */
TestSuite(many, .timeout = 900);

#define MANY 100

/* Timeout of a call for all tasks at once. */
#define MANY_MSEC 400000

/* Shorter than every timeout of the driver, so that none may have expired. Hardware needs a tenth of it. */
#define RECOVERY_SEC 20.0

/* The same call for all tasks. */
typedef struct Calls {
        ClientCall **calls;
        size_t n;
} Calls;

static void calls_end(Calls *calls, const ProtobufCMessageDescriptor *output, ProtobufCMessage **replies,
        const char *what) {
        for (size_t i = 0; i < calls->n; i++) {
                ProtobufCMessage *reply = call_end(calls->calls[i], what, output, MANY_MSEC);

                if (replies)
                        replies[i] = reply;
                else
                        protobuf_c_message_free_unpacked(reply, NULL);
        }
}

static void start_all(Agent *agent, Job **jobs, Calls *calls) {
        ProtobufCMessage **replies = xcalloc(calls->n, sizeof(*replies));
        double begin = now();

        for (size_t i = 0; i < calls->n; i++)
                calls->calls[i] = job_open_start(agent, jobs[i]);
        calls_end(calls, &driver__start_task_response__descriptor, replies, "StartTask");
        for (size_t i = 0; i < calls->n; i++) {
                jobs[i]->started = (Driver__StartTaskResponse *) replies[i];
                stream_wait_text(jobs[i]->out, "ready");
        }
        measured("many tasks started at once", "%zu in %.1f s", calls->n, now() - begin);
        free(replies);
}

static void recover_all(Agent *agent, Job **jobs, Calls *calls) {
        double begin = now();

        for (size_t i = 0; i < calls->n; i++)
                calls->calls[i] = job_open_recover(agent, jobs[i]);
        calls_end(calls, &driver__recover_task_response__descriptor, NULL, "RecoverTask");
        measured("many tasks recovered at once", "%zu in %.3f s", calls->n, now() - begin);
        cr_expect_lt(now() - begin, RECOVERY_SEC);
}

static void stop_all(Agent *agent, Job **jobs, Calls *calls) {
        double begin = now();

        for (size_t i = 0; i < calls->n; i++)
                calls->calls[i] = job_open_stop(agent, jobs[i], MANY_MSEC / 1000, "");
        calls_end(calls, &driver__stop_task_response__descriptor, NULL, "StopTask");
        measured("many tasks stopped at once", "%zu in %.1f s", calls->n, now() - begin);
}

static void destroy_all(Agent *agent, Job **jobs, Calls *calls) {
        for (size_t i = 0; i < calls->n; i++) {
                cr_expect_eq(job_wait(agent, jobs[i]), 6, "task %zu", i);
                calls->calls[i] = job_open_destroy(agent, jobs[i], false);
        }
        calls_end(calls, &driver__destroy_task_response__descriptor, NULL, "DestroyTask");
}

static void measure_memory(const AgentCost *before, const AgentCost *after, size_t n) {
        measured("memory of the plugin", "%.0f KiB without a task, %.0f KiB with %zu: %.0f KiB each",
                before->rss_kib, after->rss_kib, n, (after->rss_kib - before->rss_kib) / (double) n);
        cr_expect_eq(after->children, 0);
}

static char *job_main_pids(void) {
        return shell_good("systemctl show -P MainPID 'nspawn-task-*.service'");
}

Test(many, many_tasks_start_at_once_outlive_the_driver_and_leave_nothing) {
        Calls calls = { .n = number_or("NSPAWN_TEST_MANY", MANY) };
        Job **jobs = xcalloc(calls.n, sizeof(*jobs));
        Agent first = agent_start();

        calls.calls = xcalloc(calls.n, sizeof(*calls.calls));
        for (size_t i = 0; i < calls.n; i++)
                jobs[i] = job_new("trap 'exit 6' TERM; echo ready; sleep 1d & wait", NULL);
        AgentCost none = agent_cost(&first);
        start_all(&first, jobs, &calls);
        AgentCost all = agent_cost(&first);
        measure_memory(&none, &all, calls.n);
        _cleanup_free_ char *before = job_main_pids();

        plugin_signal(first.plugin, SIGKILL);
        cr_assert_eq(plugin_wait(first.plugin, LIMIT_MSEC, NULL), 0);
        agent_clear(&first);
        _cleanup_agent_ Agent second = agent_start();
        recover_all(&second, jobs, &calls);
        _cleanup_free_ char *after = job_main_pids();
        cr_expect_str_eq(after, before, "other processes run now");

        stop_all(&second, jobs, &calls);
        destroy_all(&second, jobs, &calls);
        shell_until("test -z \"$(systemctl list-units --all --plain --no-legend 'nspawn-task-*')\"");
        _cleanup_free_ char *left = shell(NULL,
                "ls -A /run/nspawn-units | grep -v ^plugin; grep -e nspawn-test -e nspawn-units /proc/mounts; "
                "grep -las 'machine[=]task' /proc/[0-9]*/cmdline; "
                "ls -d /sys/fs/cgroup/nspawn.slice/nspawn-nomad.slice/*.service 2>/dev/null");
        cr_expect_str_empty(left, "%s", left);
        for (size_t i = 0; i < calls.n; i++)
                (void) job_free(jobs[i]);
        free(calls.calls);
        free(jobs);
}
