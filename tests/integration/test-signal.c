/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "idle.h"

/* SignalTask, the call of nomad alloc signal. */
TestSuite(signal, .timeout = TEST_SEC);

static void send_signal(Agent *agent, Job *job, const char *name) {
        Driver__SignalTaskRequest request = DRIVER__SIGNAL_TASK_REQUEST__INIT;

        request.task_id = job->config.id;
        request.signal = (char *) (uintptr_t) name;
        free(agent_call(agent, DRIVER "SignalTask", &request, &driver__signal_task_response__descriptor));
}

static char *signal_fails(Agent *agent, Job *job, const char *name, grpc_status_code code) {
        Driver__SignalTaskRequest request = DRIVER__SIGNAL_TASK_REQUEST__INIT;

        request.task_id = job->config.id;
        request.signal = (char *) (uintptr_t) name;
        return agent_call_fails(agent, DRIVER "SignalTask", &request, code);
}

Test(signal, signals_by_name_and_number_reach_the_payload_and_wrong_ones_are_refused) {
        static const struct {
                const char *name;
                int number;
        } rows[] = {
                { "SIGHUP", 1 },
                { "INT", 2 },
                { "sigquit", 3 },
                { "SIGUSR1", 10 },
                { "12", 12 },
                { "SIGALRM", 14 },
                { "SIGTERM", 15 },
                { "SIGCONT", 18 },
                { "SIGWINCH", 28 },
                { "SIGRTMIN+3", 37 },
                { "64", 64 },
        };
        static const char *const bad[] = { "", "SIGNONSENSE", "0", "65", "-9", "SIGRTMIN+31", "TERM " };
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_string_buffer_ StringBuffer script = {};

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                string_buffer_append(&script, "trap 'echo got %d.' %d\n", rows[i].number, rows[i].number);
        string_buffer_append(&script, "echo ready; while :; do read -t 1 x </local/never; done");
        _cleanup_job_ Job *job = job_new(script.text, NULL);
        free(shell_good("mkfifo -m 666 %s/task/local/never", job->directory));
        job_start(&agent, job);
        stream_wait_text(job->out, "ready");

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *text = xasprintf("got %d.", rows[i].number);

                send_signal(&agent, job, rows[i].name);
                stream_wait_text(job->out, text);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *text = signal_fails(&agent, job, bad[i], GRPC_STATUS_INVALID_ARGUMENT);

                _cleanup_free_ char *words = xasprintf(
                        "signal: \"%s\" is not a signal: must be a name such as SIGHUP, or a number "
                        "from 1 to %d",
                        bad[i], SIGRTMAX);

                cr_expect_str_eq(text, words, "%s", text);
        }

        send_signal(&agent, job, "SIGKILL");
        cr_expect_eq(job_wait(&agent, job), 137);
        cr_expect_eq(job->signal, 9);
        _cleanup_free_ char *gone = signal_fails(&agent, job, "SIGHUP", GRPC_STATUS_FAILED_PRECONDITION);
        expect_text(gone, "no process");
        job_destroy(&agent, job);
        free(signal_fails(&agent, job, "SIGHUP", GRPC_STATUS_NOT_FOUND));
}

/* ---- sent to the unit ---- */

/* machinectl terminate was seen to end a unit at once with systemd 252 and 257, and not with 262. */
#define TERMINATES_AT_ONCE_UNTIL 257

static void terminate(Agent *agent, Job *job) {
        double begin = now();

        /* A newer systemd-machined sends the signal to nspawn itself, without any ExecStop= of the unit. */
        unsigned version = systemd_version();
        if (version > TERMINATES_AT_ONCE_UNTIL) {
                (void) fprintf(stderr, "machinectl terminate is not tried: systemd %u\n", version);
                job_stop(agent, job, 0, "SIGKILL");
        } else
                free(shell_good("machinectl terminate %s", job->machine));
        int code = job_wait(agent, job);
        cr_expect_eq(code, 137, "%d", code);
        cr_expect_eq(job->signal, 9, "%d", job->signal);
        cr_expect_lt(now() - begin, 20, "%.3f s", now() - begin);
        job_destroy(agent, job);
}

static void kill_unit(const Job *job, const char *whom, const char *signal) {
        free(shell_good("systemctl kill --kill-whom=%s -s %s %s", whom, signal, job->unit));
}

/* A signal to the unit's main process is one to nspawn, which passes it on. */
Test(signal, signals_sent_to_the_unit_reach_the_payload_once_and_terminate_ends_it_at_once) {
        static const char *const configs[] = {
                "{'reload_signal': 'SIGHUP', 'restart': {'policy': 'always', 'delay': '200ms'}}",
                "{'reload_signal': 'hup', 'process_two': true}",
                "{'reload_signal': '1', 'init': false}",
        };
        static const char *const others[] = { "HUP", "QUIT", "USR1", "ALRM", "RTMIN+5" };
        _cleanup_agent_ Agent agent = agent_start();
        Job *jobs[ELEMENTSOF(configs)];

        for (size_t i = 0; i < ELEMENTSOF(configs); i++) {
                jobs[i] = job_new(
                        "trap '' TERM; trap 'echo hup' HUP; trap 'echo usr' USR1; trap 'echo usr2' USR2; "
                        "echo ready; while :; do read -t 1 x </local/never; done",
                        configs[i]);
                free(shell_good("mkfifo -m 666 %s/task/local/never", jobs[i]->directory));
                job_start_begin(&agent, jobs[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(configs); i++) {
                Job *job = jobs[i];

                job_start_end(job);
                stream_wait_text(job->out, "ready\n");
                free(shell_good("systemctl reload %s", job->unit));
                stream_wait_text(job->out, "hup\n");
                kill_unit(job, "all", "HUP");
                stream_wait_text(job->out, "hup\nhup\n");
                kill_unit(job, "all", "USR1");
                stream_wait_text(job->out, "usr\n");
                for (size_t k = 0; k < ELEMENTSOF(others); k++)
                        kill_unit(job, "main", others[k]);
                kill_unit(job, "all", "USR2");
                stream_wait_text(job->out, "usr2\n");
                terminate(&agent, job);

                _cleanup_free_ char *out = stream_wait_end(job->out, NULL);
                cr_expect_str_eq(out, "ready\nhup\nhup\nusr\nusr2\n", "%s: %s", configs[i], out);
                (void) job_free(job);
        }
}

Test(signal, without_a_reload_signal_systemd_refuses_to_reload) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = job_new("exec sleep 1000", NULL);
        int status;

        job_start(&agent, job);
        _cleanup_free_ char *words = shell(&status, "systemctl reload %s 2>&1", job->unit);
        cr_expect_neq(status, 0);
        expect_text(words, "not applicable");
        kill_unit(job, "all", "TERM");
        int code = job_wait(&agent, job);
        cr_expect_eq(code, 143, "%d", code);
        job_destroy(&agent, job);
}

/* ---- booted ---- */

static void wait_for_event(ClientCall *events, const Job *job, const char *part) {
        for (;;) {
                Driver__DriverTaskEvent *event = NULL;

                cr_assert_eq(client_next(events, &driver__driver_task_event__descriptor, LIMIT_MSEC,
                                     (ProtobufCMessage **) &event),
                        1, "no event: %s", part);
                bool found = streq(event->task_id, job->config.id) && strstr(event->message, part);
                driver__driver_task_event__free_unpacked(event, NULL);
                if (found)
                        return;
        }
}

/* In the suite alone, so that it does not run beside the next test: too many systems would boot at once. */
Test(alone, a_booted_system_shuts_down_when_stopped_right_after_its_start_and_terminate_kills_it) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *job = booted_new(), *terminated = booted_new();

        if (!job)
                cr_skip_test("no Debian image");
        job_start(&agent, terminated);
        terminate(&agent, terminated);
        job_start(&agent, job);
        job_stop(&agent, job, 80, "");
        int code = job_wait(&agent, job);
        cr_expect_eq(code, 0, "%d", code);
        cr_expect_eq(job->signal, 0);
        job_destroy(&agent, job);
}

Test(signal, a_booted_system_reboots_in_place_powers_off_with_0_and_its_kill_is_reported) {
        Driver__TaskEventsRequest request = DRIVER__TASK_EVENTS_REQUEST__INIT;
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_job_ Job *cycled = booted_new(), *killed = booted_new();

        if (!cycled)
                cr_skip_test("no Debian image");
        _cleanup_client_call_ ClientCall *events = client_open(
                agent.client, DRIVER "TaskEvents", &request.base);

        job_start_begin(&agent, cycled);
        job_start_begin(&agent, killed);
        job_start_end(cycled);
        job_start_end(killed);
        stream_wait_text(killed->out, BOOTED_READY);
        _cleanup_free_ char *pid = job_property(killed, "MainPID");
        free(shell_good("kill -KILL $(cat /proc/%s/task/%s/children)", pid, pid));
        cr_expect_eq(job_wait(&agent, killed), 137);
        cr_expect_eq(killed->signal, 9);
        job_destroy(&agent, killed);

        /* systemd(1): SIGRTMIN+5 reboots, SIGRTMIN+4 powers off. */
        stream_wait_text(cycled->out, BOOTED_READY);
        free(shell_good("systemctl daemon-reload"));
        send_signal(&agent, cycled, "SIGRTMIN+5");
        wait_for_event(events, cycled, "Restarted by systemd: it rebooted");
        _cleanup_free_ char *first = stream_text(cycled->out);
        stream_wait_text_after(cycled->out, strlen(first), BOOTED_READY);
        send_signal(&agent, cycled, "SIGRTMIN+4");
        cr_expect_eq(job_wait(&agent, cycled), 0);
        cr_expect_eq(cycled->signal, 0);
        job_destroy(&agent, cycled);
}
