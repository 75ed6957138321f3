/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <unistd.h>

#include "fault.h"

/* Faults of one task or of the driver, at each moment of a task's life. Those of the whole host are in
 * test-fault-host.c. */
TestSuite(fault, .timeout = TEST_SEC);

#define RESTART "{'restart': {'policy': 'on-failure', 'delay': '200ms'}}"
#define RESTART_ONCE "{'restart': {'policy': 'on-failure', 'delay': '200ms', 'max_attempts': 1}}"
#define RESTART_LATER "{'restart': {'policy': 'on-failure', 'delay': '1h'}}"

/* The end of "Exited: ..." and of "Stopped: ...". */
#define KILLED "ed: killed by signal 9 (SIGKILL)"
#define OUT_OF_MEMORY \
        "Out of memory: the kernel killed " KILLED_BY_KERNEL " of the task (limit 64 MiB, peak 6"
#define TOO_LATE "Killed: it did not end in the time it was given"

static void stop_it(Agent *agent, Subject *subject) {
        subject->stopping = stop_begin(agent, subject->job, 0);
}

static void destroy_it(Agent *agent, Subject *subject) {
        Driver__DestroyTaskRequest request = DRIVER__DESTROY_TASK_REQUEST__INIT;

        request.task_id = subject->job->config.id;
        request.force = true;
        protobuf_c_message_free_unpacked(agent_call(agent, DRIVER "DestroyTask", &request,
                                                 &driver__destroy_task_response__descriptor),
                NULL);
}

static void fail_and_stop(Agent *agent, Subject *subject) {
        say_to(subject->job, "exit 7");
        shell_until("test \"$(systemctl show -P SubState %s)\" = auto-restart", subject->job->unit);
        stop_it(agent, subject);
}

static void freeze_and_stop(Agent *agent, Subject *subject) {
        free(shell_good("systemctl freeze %s", subject->job->unit));
        stop_it(agent, subject);
}

static void fail_twice(Agent *agent _unused_, Subject *subject) {
        say_to(subject->job, "exit 7");
        stream_wait_text(subject->job->out, "ready\nbefore\nready\n");
        say_to(subject->job, "exit 8");
}

/* Starts the task of each cell, applies the faults, and checks what follows. */
static void run_cells(const Cell *cells, size_t n) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_events_ Events events;
        Subject *subjects = xcalloc(n, sizeof(*subjects));
        double begin = now();

        events_open(&events, &agent);
        subjects_begin(&agent, subjects, cells, n);
        for (size_t i = n; i-- > 0;)
                subject_apply(&agent, &subjects[i]);
        subjects_end(&agent, &events, subjects, n);
        measured("cells of the fault matrix", "%zu in %.0f s", n, now() - begin);
        free(subjects);
}

Test(fault, faults_while_a_task_runs) {
        static const Cell cells[] = {
                { "SIGKILL of the payload", RUNNING, "kill -KILL $P",
                        .truth = { ENDS, 137, 9, .once = { KILLED } } },
                { "SIGSEGV of the payload", RUNNING, "kill -SEGV $P", .truth = { ENDS, 139, 11 } },
                { "SIGTERM of the payload", RUNNING, "kill -TERM $P",
                        .truth = { ENDS, 3, .once = { "Exited: exit code 3" } } },
                { "SIGHUP of the payload", RUNNING, "kill -HUP $P", .truth = { ENDS, 129, 1 } },
                { "SIGKILL of the first process", RUNNING, "kill -KILL $L",
                        .truth = { ENDS, 137, 9, .once = { KILLED } } },
                { "SIGKILL of nspawn", RUNNING, "kill -KILL $M",
                        .truth = { ENDS, 137, 9, .once = { KILLED } } },
                { "SIGTERM of nspawn", RUNNING, "kill -TERM $M", .truth = { ENDS, 3 } },
                { "systemctl stop", RUNNING, "systemctl stop $U", .truth = { ENDS, 3 } },
                { "systemctl kill", RUNNING, "systemctl kill -s KILL $U", .truth = { ENDS, 137, 9 } },
                { "cgroup.kill", RUNNING, "echo 1 >$G/cgroup.kill", .truth = { ENDS, 137, 9 } },
                { "SIGKILL below an init of nspawn", RUNNING, "kill -KILL $P",
                        .config = "{'process_two': true}", .truth = { ENDS, 255 } },
                { "SIGKILL without an init", RUNNING, "kill -KILL $L", .config = "{'init': false}",
                        .truth = { ENDS, 137, 9 } },
                { "freeze and thaw", RUNNING, "systemctl freeze $U && systemctl thaw $U",
                        .truth = { LIVES } },
                { "freeze, StopTask", RUNNING, .apply = freeze_and_stop,
                        .truth = { ENDS, 3, .once = { "Stopped: exit code 3" } } },
                { "another limit", RUNNING, "systemctl set-property --runtime $U MemoryMax=48M",
                        .truth = { LIVES, .once = { "Limit changed: MemoryMax from 64 MiB to 48 MiB" } } },
        };

        run_cells(cells, ELEMENTSOF(cells));
}

Test(fault, faults_of_memory_and_with_restarts) {
        static const Cell cells[] = {
                { "out of memory, the payload", RUNNING, "echo be-eaten >$I",
                        .truth = { ENDS, 137, 9, true,
                                .once = { OUT_OF_MEMORY, KILLED ", out of memory" } } },
                { "out of memory, a child", RUNNING, "echo eat >$I",
                        .truth = { LIVES, .oom_killed = true,
                                .once = { OUT_OF_MEMORY, "Exited: exit code 5, out of memory" } } },
                { "out of memory, policy stop", RUNNING, "echo eat >$I", .config = "{'oom_policy': 'stop'}",
                        .truth = { ENDS, 3, 0, true, .once = { OUT_OF_MEMORY }, .more_kills = true } },
                { "out of memory, policy kill", RUNNING, "echo eat >$I", .config = "{'oom_policy': 'kill'}",
                        .truth = { ENDS, 137, 9, true, .once = { "Out of memory: " } } },
                { "out of memory, restart", RUNNING, "echo be-eaten >$I", .config = RESTART,
                        .truth = { RESTARTS,
                                .once = { OUT_OF_MEMORY,
                                        "Restarted by systemd: killed by signal 9 (SIGKILL), "
                                        "out of memory",
                                        "Exited: exit code 0" } } },
                { "SIGKILL of the payload, restart", RUNNING, "kill -KILL $P", .config = RESTART,
                        .truth = { RESTARTS, .once = { "Restarted by systemd: killed by signal 9" } } },
                { "SIGKILL of nspawn, restart", RUNNING, "kill -KILL $M", .config = RESTART,
                        .truth = { RESTARTS, .once = { "Restarted by systemd: killed by signal 9" } } },
                { "cgroup.kill, restart", RUNNING, "echo 1 >$G/cgroup.kill", .config = RESTART,
                        .truth = { RESTARTS, .once = { "Restarted by systemd: killed by signal 9" } } },
                { "exit 7, restart", RUNNING, "echo exit 7 >$I", .config = RESTART,
                        .truth = { RESTARTS, .once = { "Restarted by systemd: exit code 7" } } },
                { "exit 7, exit 8, one restart", RUNNING, .apply = fail_twice, .config = RESTART_ONCE,
                        .truth = { ENDS, 8,
                                .once = { "Restarted by systemd: exit code 7", "Restarted by systemd" } } },
                { "exit 7, StopTask between two runs", RUNNING, .apply = fail_and_stop,
                        .config = RESTART_LATER, .truth = { ENDS, 7 } },
                { "SIGKILL of nspawn, restart", STARTING, "kill -KILL $M", .config = RESTART,
                        .truth = { FAILS, .words = "did not start" } },
                { "exit 8, restart", STOPPING, "echo exit 8 >$I", .config = RESTART, .truth = { ENDS, 8 } },
        };

        run_cells(cells, ELEMENTSOF(cells));
}

Test(fault, faults_while_a_task_starts_or_ends) {
        static const Cell cells[] = {
                { "SIGKILL of nspawn", STARTING, "kill -KILL $M",
                        .truth = { FAILS, .words = "nspawn was killed by SIGKILL" } },
                { "systemctl kill", STARTING, "systemctl kill -s KILL $U",
                        .truth = { FAILS, .words = "nspawn was killed by SIGKILL" } },
                { "cgroup.kill", STARTING, "echo 1 >$G/cgroup.kill",
                        .truth = { FAILS, .words = "nspawn was killed by SIGKILL" } },
                { "systemctl stop", STARTING, "systemctl stop --no-block $U",
                        .truth = { FAILS, .words = "did not start" } },
                { "StopTask", STARTING, .apply = stop_it,
                        .truth = { FAILS, .words = "stopped while it started" } },
                { "DestroyTask", STARTING, .apply = destroy_it,
                        .truth = { FAILS, .words = "stopped while it started" } },
                { "reset-failed", EXITED, "systemctl reset-failed $U || :",
                        .truth = { ENDS, 7, .once = { "Exited: exit code 7" } } },
                { "systemctl stop", EXITED, "systemctl stop $U || :", .truth = { ENDS, 7 } },
                { "SIGKILL of the payload", STOPPING, "kill -KILL $P",
                        .truth = { ENDS, 137, 9, .once = { KILLED } } },
                { "SIGSEGV of the payload", STOPPING, "kill -SEGV $P", .truth = { ENDS, 139, 11 } },
                { "an exit after all", STOPPING, "echo exit 9 >$I", .truth = { ENDS, 9 } },
                { "SIGKILL of the first process", STOPPING, "kill -KILL $L", .truth = { ENDS, 137, 9 } },
                { "SIGKILL of nspawn", STOPPING, "kill -KILL $M", .truth = { ENDS, 137, 9 } },
                { "systemctl kill", STOPPING, "systemctl kill -s KILL $U", .truth = { ENDS, 137, 9 } },
                { "cgroup.kill", STOPPING, "echo 1 >$G/cgroup.kill", .truth = { ENDS, 137, 9 } },
                { "out of memory", STOPPING, "echo be-eaten >$I",
                        .truth = { ENDS, 137, 9, true, .once = { OUT_OF_MEMORY } } },
                { "systemctl stop", STOPPING, "systemctl stop --no-block $U", .stop_sec = 20,
                        .truth = { ENDS, 137, 9, .once = { TOO_LATE, KILLED } } },
                { "freeze", STOPPING, "systemctl freeze $U", .stop_sec = 20,
                        .truth = { ENDS, 137, 9, .once = { TOO_LATE, KILLED } } },
                { "cgroup.freeze", STOPPING, "echo 1 >$G/cgroup.freeze", .stop_sec = 20,
                        .truth = { ENDS, 137, 9, .once = { TOO_LATE, KILLED } } },
        };

        run_cells(cells, ELEMENTSOF(cells));
}

#define STOPPED_TOO_LATE \
        { \
                ENDS, 137, 9, .once = { TOO_LATE, KILLED } \
        }

/* Drops the calls of an agent that is gone; they have no results. */
static void forget_calls(Subject *subjects, size_t n) {
        for (size_t i = 0; i < n; i++) {
                subjects[i].stopping = client_call_free(subjects[i].stopping);
                subjects[i].job->starting = client_call_free(subjects[i].job->starting);
        }
}

/* What Nomad does after a restart of the driver. */
static void take_over(Agent *agent, Subject *subject) {
        const Cell *cell = subject->cell;

        if (cell->moment == STARTING)
                job_start_begin(agent, subject->job);
        else
                job_recover(agent, subject->job);
        if (cell->moment == STOPPING)
                subject->stopping = stop_begin(agent, subject->job, cell->stop_sec);
}

/* Kills the driver, applies the faults, and lets another driver take over. */
static void run_driver_cells(const Cell *cells, size_t n) {
        Subject *subjects = xcalloc(n, sizeof(*subjects));
        Agent first = agent_start();

        subjects_begin(&first, subjects, cells, n);
        plugin_signal(first.plugin, SIGKILL);
        cr_assert_eq(plugin_wait(first.plugin, LIMIT_MSEC, NULL), 0);
        forget_calls(subjects, n);
        agent_clear(&first);
        for (size_t i = 0; i < n; i++) {
                subject_apply(NULL, &subjects[i]);
                /* The run that follows the fault is not held. */
                if (cells[i].line)
                        subject_open_gate(&subjects[i]);
        }
        for (size_t i = 0; i < n; i++)
                if (cells[i].line)
                        shell_until(cells[i].truth.outcome == RESTARTS
                                        ? "test \"$(systemctl show -P MainPID %1$s)\" -gt 0 && "
                                          "test \"$(systemctl show -P NRestarts %1$s)\" -gt 0"
                                        : "test \"$(systemctl show -P LoadState %s)\" = not-found",
                                subjects[i].job->unit);

        _cleanup_agent_ Agent second = agent_start();
        _cleanup_events_ Events events;
        events_open(&events, &second);
        for (size_t i = 0; i < n; i++)
                take_over(&second, &subjects[i]);
        subjects_end(&second, &events, subjects, n);
        free(subjects);
}

/* Few cells, because a start times out after 90 s, held or not, and an emulated host is slow. */
Test(fault, faults_of_the_driver_while_tasks_start) {
        static const Cell cells[] = {
                { "SIGKILL of the driver", STARTING, .truth = { LIVES } },
                { "SIGKILL of the driver and nspawn", STARTING, "kill -KILL $M",
                        .truth = { LIVES, .once = { "Started " } } },
        };

        run_driver_cells(cells, ELEMENTSOF(cells));
}

Test(fault, faults_of_the_driver_itself) {
        static const Cell cells[] = {
                { "SIGKILL of the driver", RUNNING, .truth = { LIVES } },
                /* Either of the two drivers may have sent the SIGKILL. */
                { "SIGKILL of the driver", STOPPING, .stop_sec = 15,
                        .truth = { ENDS, 137, 9, .once = { KILLED } } },
                { "SIGKILL of the driver", EXITED, .truth = { ENDS, 7, .once = { "Exited: exit code 7" } } },
                { "SIGKILL of the driver, an exit", RUNNING, "echo exit 9 >$I",
                        .truth = { ENDS, 9, .once = { "Exited: exit code 9" } } },
                { "SIGKILL of the driver and the payload", RUNNING, "kill -KILL $P",
                        .truth = { ENDS, 137, 9, .once = { KILLED } } },
                { "SIGKILL of the driver and nspawn", RUNNING, "kill -KILL $M",
                        .truth = { ENDS, 137, 9, .once = { KILLED } } },
                { "SIGKILL of the driver and nspawn, restart", RUNNING, "kill -KILL $M", .config = RESTART,
                        .truth = { RESTARTS } },
                { "SIGKILL of the driver, systemctl stop", RUNNING, "systemctl stop $U",
                        .truth = { ENDS, 3, .once = { "Exited: exit code 3" } } },
                { "SIGKILL of the driver, out of memory", RUNNING, "echo be-eaten >$I",
                        .truth = { ENDS, 137, 9, true,
                                .once = { OUT_OF_MEMORY, KILLED ", out of memory" } } },
        };

        run_driver_cells(cells, ELEMENTSOF(cells));
}

Test(fault, faults_of_the_connection_of_the_agent) {
        static const Cell cells[] = {
                { "another connection", STARTING, .truth = { LIVES } },
                { "another connection", RUNNING, .truth = { LIVES } },
                { "another connection", STOPPING, .stop_sec = 10, .truth = STOPPED_TOO_LATE },
                { "another connection", EXITED, .truth = { ENDS, 7 } },
        };
        Subject subjects[ELEMENTSOF(cells)];
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_events_ Events events;

        subjects_begin(&agent, subjects, cells, ELEMENTSOF(cells));
        forget_calls(subjects, ELEMENTSOF(cells));
        agent.client = client_free(agent.client);
        agent.client = client_new(plugin_socket(agent.plugin));
        events_open(&events, &agent);
        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
                if (cells[i].moment != STARTING)
                        job_recover(&agent, subjects[i].job);
        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
                subject_open_gate(&subjects[i]);
        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
                subject_check(&agent, &subjects[i]);
        /* The events are not checked: those from before events_open() may be lost. */
        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
                subject_destroy(&agent, &subjects[i]);
}

/* Nomad's log collector is killed and started again: the pipe holds what the task writes meanwhile. */
Test(fault, faults_of_the_reader_of_logs) {
        static const Cell cell = { "no reader", RUNNING, .truth = { ENDS, 9 } };
        _cleanup_string_buffer_ StringBuffer expected = {};
        _cleanup_agent_ Agent agent = agent_start();
        Subject subject;

        subjects_begin(&agent, &subject, &cell, 1);
        Job *job = subject.job;
        job->out = stream_free(job->out);
        for (unsigned i = 0; i < 20; i++) {
                _cleanup_free_ char *line = xasprintf("unread %u", i);

                say_to(job, line);
                string_buffer_append(&expected, "%s\n", line);
        }
        say_to(job, "eat");
        shell_until(
                "grep -q '^oom_kill 1' /sys/fs/cgroup/$(systemctl show -P ControlGroup %s)/memory.events",
                job->unit);
        job->out = stream_new(job->config.stdout_path);
        say_to(job, "exit 9");
        _cleanup_free_ char *out = stream_wait_end(job->out, NULL);
        cr_expect_str_eq(out, expected.text, "%s", out);
        cr_expect_eq(job_wait(&agent, job), 9);
        cr_expect(job->signal == 0 && job->oom_killed);
        subject_destroy(&agent, &subject);
}
