/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>

#include "fault.h"
#include "idle.h"

/* The stop of a task by Nomad and by others, and what the driver reports about it. */
TestSuite(stop, .timeout = TEST_SEC);

#define LOOP "echo ready; while :; do read -t 1 x </local/never; done"

static Job *loop_new(const char *trap) {
        _cleanup_free_ char *script = xasprintf("%s\n" LOOP, trap);
        Job *job = job_new(script, NULL);

        /* The pipe cannot be opened without a writer, so the shell waits there until a signal comes. */
        free(shell_good("mkfifo -m 666 %s/task/local/never", job->directory));
        return job;
}

Test(stop, stop_signals_reach_the_payload_and_its_own_exit_code_is_reported) {
        static const struct {
                const char *trap, *signal, *out;
                int code;
        } rows[] = {
                { "trap 'echo bye; exit 9' TERM", "", "bye", 9 },
                { "trap 'echo usr; exit 10' USR1; trap 'exit 1' TERM", "SIGUSR1", "usr", 10 },
                { "trap 'echo int; exit 11' INT; trap 'exit 1' TERM", "SIGINT", "int", 11 },
                { "trap 'echo default; exit 12' TERM", "SIGNONSENSE", "default", 12 },
                { "trap '' TERM", "", "ready", 137 },
        };
        _cleanup_agent_ Agent agent = agent_start();
        Driver__TaskEventsRequest request = DRIVER__TASK_EVENTS_REQUEST__INIT;
        _cleanup_client_call_ ClientCall *events = client_open(
                agent.client, DRIVER "TaskEvents", &request.base);
        Job *jobs[ELEMENTSOF(rows)];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                jobs[i] = loop_new(rows[i].trap);
                job_start_begin(&agent, jobs[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                job_start_end(jobs[i]);
                stream_wait_text(jobs[i]->out, "ready");
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                bool ignores = rows[i].code == 137;
                double begin = now(), took;

                job_stop(&agent, jobs[i], ignores ? 2 : 60, rows[i].signal);
                took = now() - begin;
                cr_expect(ignores ? took >= 2.0 && took < 12 : took < 12, "%s: %.3f s", rows[i].trap, took);
                int code = job_wait(&agent, jobs[i]);
                cr_expect_eq(code, rows[i].code, "%s: %d", rows[i].trap, code);
                _cleanup_free_ char *out = stream_wait_end(jobs[i]->out, NULL);
                expect_text(out, rows[i].out);
        }

        /* An event for each start, and one for the bad name of a signal. */
        size_t starts = 0, complaints = 0;
        while (starts < ELEMENTSOF(rows) || complaints < 1) {
                Driver__DriverTaskEvent *event = NULL;

                cr_assert_eq(client_next(events, &driver__driver_task_event__descriptor, LIMIT_MSEC,
                                     (ProtobufCMessage **) &event),
                        1, "%zu starts, %zu complaints", starts, complaints);
                starts += string_after_prefix(event->message, "Started nspawn-task-") != NULL;
                if (strstr(event->message, "SIGNONSENSE")) {
                        complaints++;
                        cr_expect_str_eq(event->alloc_id, jobs[3]->config.alloc_id);
                        cr_expect_str_eq(event->task_name, "task");
                }
                cr_expect_gt(event->timestamp->seconds, 1700000000);
                driver__driver_task_event__free_unpacked(event, NULL);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                job_destroy(&agent, jobs[i]);
                (void) job_free(jobs[i]);
        }
}

static Driver__InspectTaskResponse *inspect(Agent *agent, Job *job) {
        Driver__InspectTaskRequest request = DRIVER__INSPECT_TASK_REQUEST__INIT;

        request.task_id = job->config.id;
        return agent_call(agent, DRIVER "InspectTask", &request, &driver__inspect_task_response__descriptor);
}

Test(stop, destroy_needs_force_for_a_running_task_and_inspect_describes_it) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = loop_new("trap '' TERM");
        Driver__DestroyTaskRequest destroy = DRIVER__DESTROY_TASK_REQUEST__INIT;
        Driver__WaitTaskRequest wait = DRIVER__WAIT_TASK_REQUEST__INIT;
        Driver__StartTaskRequest start = DRIVER__START_TASK_REQUEST__INIT;
        Driver__WaitTaskResponse *ended = NULL;

        job_start(&agent, job);
        stream_wait_text(job->out, "ready");

        Driver__InspectTaskResponse *running = inspect(&agent, job);
        cr_expect_eq(running->task->state, DRIVER__TASK_STATE__RUNNING);
        cr_expect_str_eq(running->task->id, job->config.id);
        cr_expect_str_eq(running->task->name, "task");
        cr_expect_float_eq((double) running->task->started_at->seconds, now(), 60);
        cr_expect_eq(running->task->completed_at->seconds, INT64_C(-62135596800));
        cr_expect_not_null(running->task->result);
        driver__inspect_task_response__free_unpacked(running, NULL);

        start.task = &job->config;
        free(agent_call_fails(&agent, DRIVER "StartTask", &start, GRPC_STATUS_ALREADY_EXISTS));

        destroy.task_id = wait.task_id = job->config.id;
        _cleanup_free_ char *text = agent_call_fails(
                &agent, DRIVER "DestroyTask", &destroy, GRPC_STATUS_FAILED_PRECONDITION);
        expect_text(text, "force");

        _cleanup_client_call_ ClientCall *waiting = client_open(agent.client, DRIVER "WaitTask", &wait.base);
        job_destroy(&agent, job);
        cr_assert_eq(client_next(waiting, &driver__wait_task_response__descriptor, LIMIT_MSEC,
                             (ProtobufCMessage **) &ended),
                1);
        cr_expect_eq(ended->result->exit_code, 137);
        driver__wait_task_response__free_unpacked(ended, NULL);
        free(agent_call_fails(&agent, DRIVER "WaitTask", &wait, GRPC_STATUS_NOT_FOUND));
}

/* The driver is stopped (SIGSTOP) meanwhile. */
Test(stop, a_stopped_task_does_not_restart_however_late_the_driver_learns_of_its_end) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = listener_new(
                "--stay", "{'restart': {'policy': 'always', 'delay': '200ms'}}");

        job_start(&agent, job);
        stream_wait_text(job->out, "ready\n");
        ClientCall *stopping = stop_begin(&agent, job, 0);
        stream_wait_text(job->out, "term\n");
        plugin_signal(agent.plugin, SIGSTOP);
        say_to(job, "exit 8");
        shell_until("test \"$(systemctl show -P ConditionResult %s)\" = no", job->unit);
        plugin_signal(agent.plugin, SIGCONT);

        int code = job_wait(&agent, job);
        cr_expect_eq(code, 8, "%d", code);
        stop_end(stopping);
        _cleanup_free_ char *out = stream_wait_end(job->out, NULL);
        cr_expect_str_eq(out, "ready\nterm\n", "%s", out);
        job_destroy(&agent, job);
}
