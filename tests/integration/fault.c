/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault.h"
#include "idle.h"

/* A few times what the payload needs, and little enough to be used up quickly. */
#define MEMORY_MIB 64

/* Timeout of a StopTask that must not expire. */
#define STOP_SEC TEST_SEC

const char *moment_to_string(Moment moment) {
        static const char *const names[_MOMENT_MAX] = {
                [STARTING] = "while it starts",
                [RUNNING] = "while it runs",
                [STOPPING] = "while it is stopped",
                [EXITED] = "after its end",
        };

        return names[moment];
}

void events_open(Events *events, Agent *agent) {
        Driver__TaskEventsRequest request = DRIVER__TASK_EVENTS_REQUEST__INIT;

        *events = (Events){ .call = client_open(agent->client, DRIVER "TaskEvents", &request.base) };
}

void events_clear(Events *events) {
        events->call = client_call_free(events->call);
        events->lines = strv_free(events->lines);
}

void events_read(Events *events, Agent *agent, Job *job) {
        static unsigned n_marks;
        _cleanup_free_ char *mark = xasprintf("SIGMARK%u", ++n_marks);
        bool found = false;

        /* A StopTask with an unknown signal makes an event, which comes after all earlier ones. */
        job_stop(agent, job, 1, mark);
        while (!found) {
                Driver__DriverTaskEvent *event = NULL;

                cr_assert_eq(client_next(events->call, &driver__driver_task_event__descriptor, LIMIT_MSEC,
                                     (ProtobufCMessage **) &event),
                        1, "the events ended before %s", mark);
                found = strstr(event->message, mark) != NULL;
                if (!found)
                        strv_appendf(&events->lines, "%s %s", event->alloc_id, event->message);
                driver__driver_task_event__free_unpacked(event, NULL);
        }
}

static size_t events_count(const Events *events, const Job *job, const char *part) {
        size_t n = 0;

        STRV_FOREACH (line, events->lines)
                n += string_after_prefix(*line, job->config.alloc_id) && strstr(*line, part);
        return n;
}

void say_to(Job *job, const char *line) {
        /* "<>", because opening it for writing only would block if the payload is gone. */
        free(shell_good("echo '%s' 1<>%s/task/local/in", line, job->directory));
}

static Driver__TaskState state_of(Agent *agent, Job *job) {
        Driver__InspectTaskRequest request = DRIVER__INSPECT_TASK_REQUEST__INIT;

        request.task_id = job->config.id;
        Driver__InspectTaskResponse *reply = agent_call(
                agent, DRIVER "InspectTask", &request, &driver__inspect_task_response__descriptor);
        Driver__TaskState state = reply->task->state;
        driver__inspect_task_response__free_unpacked(reply, NULL);
        return state;
}

void wait_exited(Agent *agent, Job *job) {
        double until = now() + LIMIT_MSEC / 1000.0;

        while (state_of(agent, job) != DRIVER__TASK_STATE__EXITED) {
                cr_assert_lt(now(), until, "%s does not end", job->unit);
                (void) usleep(20000);
        }
}

ClientCall *stop_begin(Agent *agent, Job *job, int64_t timeout_sec) {
        return job_open_stop(agent, job, timeout_sec ? timeout_sec : STOP_SEC, "SIGTERM");
}

void stop_end(ClientCall *call) {
        call_finish(call, "StopTask", &driver__stop_task_response__descriptor);
}

/* A task whose payload does what the lines of say_to() tell it (listener.c). */
static Job *subject_job_new(const Cell *cell) {
        Job *job = listener_new(cell->moment == STOPPING ? "--stay" : "", cell->config);

        job_limit_memory(job, MEMORY_MIB);
        return job;
}

/* The directory of the gates. It is not below /run/nspawn-units, where the tests may leave nothing. */
#define GATES "/run/held-starts"

/* Replaces systemd-nspawn by a script that waits while there is a gate (a pipe) for its task. */
static void gates_make(void) {
        free(shell_good("mkdir -p " GATES "; exec 9>" GATES "/lock; flock 9; test ! -e " GATES
                        "/systemd-nspawn || exit 0; "
                        "cp /usr/bin/systemd-nspawn " GATES "/; cat >/usr/bin/.held <<'END'\n"
                        "#!/bin/sh\n"
                        "for a; do case $a in --machine=*) gate=" GATES "/${a#--machine=};; esac; done\n"
                        "test -p \"$gate\" && { read x <\"$gate\"; } 2>/dev/null\n"
                        "exec " GATES "/systemd-nspawn \"$@\"\n"
                        "END\n"
                        "chmod 755 /usr/bin/.held && mv /usr/bin/.held /usr/bin/systemd-nspawn"));
}

static void gate_close(const Job *job) {
        gates_make();
        free(shell_good("mkfifo " GATES "/%s", job->machine));
}

static void gate_wait(const Job *job) {
        shell_until("test $(systemctl show -P MainPID %s) -gt 0", job->unit);
}

void subject_open_gate(Subject *subject) {
        /* "<>", because opening it for writing only would block if nobody waits. Later runs find no gate. */
        if (subject->cell->moment == STARTING)
                free(shell(NULL, "cd " GATES " && test -p %1$s && exec 3<>%1$s && rm %1$s && echo >&3",
                        subject->job->machine));
}

void subject_apply(Agent *agent, Subject *subject) {
        const Cell *cell = subject->cell;
        const Job *job = subject->job;

        if (subject->applied)
                return;

        subject->applied = true;
        if (cell->line)
                free(shell_good(
                        "exec 2>&1; "
                        "U=%1$s M=$(systemctl show -P MainPID %1$s) I=%2$s/task/local/in; "
                        "G=/sys/fs/cgroup$(systemctl show -P ControlGroup $U); "
                        "read L x </proc/$M/task/$M/children; read P x </proc/$L/task/$L/children; %3$s",
                        job->unit, job->directory, cell->line));
        if (cell->apply)
                cell->apply(agent, subject);
}

static void subject_reach_moment(Agent *agent, Subject *subject) {
        Job *job = subject->job;

        if (subject->cell->moment == STARTING) {
                gate_wait(job);
                subject->main_pid = job_property(job, "MainPID");
                return;
        }

        job_start_end(job);
        stream_wait_text(job->out, "ready\n");
        subject->main_pid = job_property(job, "MainPID");
        say_to(job, "before");
        stream_wait_text(job->out, "before\n");
        if (subject->cell->moment == STOPPING) {
                int sec = subject->cell->stop_sec;

                subject->stopping = stop_begin(agent, job, sec);
                stream_wait_text(job->out, "term\n");
                /* The other subjects may take longer to begin than the timeout of this StopTask. */
                if (sec && subject->cell->line)
                        subject_apply(agent, subject);
        } else if (subject->cell->moment == EXITED) {
                say_to(job, "exit 7");
                wait_exited(agent, job);
        }
}

/*
 * Starts the subjects with these moments and brings each to its moment, in the order of the table. A subject
 * that stays there only briefly belongs at the end of the table.
 */
static void some_begin(Agent *agent, Subject *subjects, size_t n, Moment first, Moment last) {
        for (size_t i = 0; i < n; i++) {
                if (subjects[i].cell->moment < first || subjects[i].cell->moment > last)
                        continue;
                subjects[i].job = subject_job_new(subjects[i].cell);
                if (first == STARTING)
                        gate_close(subjects[i].job);
                job_start_begin(agent, subjects[i].job);
        }
        for (size_t i = 0; i < n; i++)
                if (subjects[i].cell->moment >= first && subjects[i].cell->moment <= last)
                        subject_reach_moment(agent, &subjects[i]);
}

void subjects_begin(Agent *agent, Subject *subjects, const Cell *cells, size_t n) {
        for (size_t i = 0; i < n; i++)
                subjects[i] = (Subject){ .cell = &cells[i] };
        some_begin(agent, subjects, n, RUNNING, EXITED);
        some_begin(agent, subjects, n, STARTING, STARTING);
}

static void check_start_fails(Subject *subject) {
        Job *job = subject->job;
        _cleanup_free_ char *text = NULL;

        int code = client_status(job->starting, LIMIT_MSEC, &text, NULL);
        cr_assert_eq(code, GRPC_STATUS_FAILED_PRECONDITION, "%s: StartTask: %d %s", subject->cell->fault,
                code, text);
        cr_expect_not_null(
                strstr(text, subject->cell->truth.words), "%s: StartTask: %s", subject->cell->fault, text);
        job->starting = client_call_free(job->starting);
        if (subject->stopping)
                stop_end(subject->stopping);
        subject->stopping = NULL;
}

/* The journal may not have "No machine": a container's name that is already released is no error. */
static void check_restarts(Subject *subject) {
        Job *job = subject->job;

        stream_wait_text(job->out, "ready\nbefore\nready\n");
        say_to(job, "again");
        stream_wait_text(job->out, "again\n");
        /* There was no failed run between the two. */
        _cleanup_free_ char *n_restarts = job_property(job, "NRestarts");
        cr_expect_str_eq(n_restarts, "1", "%s: %s restarts", subject->cell->fault, n_restarts);
        _cleanup_free_ char *words = shell(
                NULL, "journalctl -q --no-pager -o cat -u %s | grep 'No machine'", job->unit);
        cr_expect_str_empty(words, "%s: %s", subject->cell->fault, words);
        say_to(job, "exit 0");
}

static void check_lives(Agent *agent, Subject *subject) {
        Job *job = subject->job;
        const char *fault = subject->cell->fault;

        cr_assert_eq(state_of(agent, job), DRIVER__TASK_STATE__RUNNING, "%s %s", fault,
                moment_to_string(subject->cell->moment));
        _cleanup_free_ char *pid = job_property(job, "MainPID");
        /* After a fault during the start, the unit was restarted and has another process. */
        if (subject->cell->moment != STARTING || !subject->cell->line)
                cr_expect_str_eq(pid, subject->main_pid, "%s: another process", fault);
        say_to(job, "after");
        stream_wait_text(job->out, "after\n");
        say_to(job, "exit 5");
}

/*
 * Return: how many processes the kernel killed for want of memory in all runs, by the task's record. For
 * several, the kernel's log must have more than one entry.
 */
static unsigned kernel_kills(const Job *job) {
        _cleanup_free_ char *counted = shell_good(
                "awk -F oom_kill= '{n+=$2} END {print n+0}' /run/nspawn-units/tasks/%s/notes", job->machine);
        unsigned n = (unsigned) atoi(counted);

        if (n > 1)
                shell_until("test $(journalctl -qk -g 'oom-kill:.*%s' | wc -l) -gt 1", job->unit);
        return n;
}

static bool is_expected(const Subject *subject, int code) {
        const Truth *truth = &subject->cell->truth;
        const Job *job = subject->job;
        int expected = truth->outcome == LIVES ? 5 : truth->code;
        bool killed = truth->more_kills && code == 137 && job->signal == SIGKILL && kernel_kills(job) > 1;

        return job->oom_killed == truth->oom_killed &&
                (killed || (code == expected && job->signal == truth->signal));
}

static void check_told(Agent *agent, Subject *subject) {
        const Cell *cell = subject->cell;
        Job *job = subject->job;
        int code = job_wait(agent, job);

        cr_expect(is_expected(subject, code), "%s %s: code %d, signal %d, oom_killed %d", cell->fault,
                moment_to_string(cell->moment), code, job->signal, job->oom_killed);
        if (cell->truth.outcome != LIVES)
                return;

        _cleanup_free_ char *out = stream_wait_end(job->out, NULL);
        const char *all = cell->moment == STARTING ? "ready\nafter\n" : "ready\nbefore\nafter\n";
        cr_expect_str_eq(out, all, "%s: %s", cell->fault, out);
}

void subject_check(Agent *agent, Subject *subject) {
        const Cell *cell = subject->cell;

        if (cell->truth.outcome == FAILS) {
                check_start_fails(subject);
                return;
        }

        if (subject->job->starting)
                job_start_end(subject->job);
        if (cell->moment == STARTING)
                stream_wait_text(subject->job->out, "ready\n");
        if (cell->truth.outcome == LIVES)
                check_lives(agent, subject);
        else if (cell->truth.outcome == RESTARTS)
                check_restarts(subject);
        check_told(agent, subject);
        if (subject->stopping)
                stop_end(subject->stopping);
        subject->stopping = NULL;
}

/* Return: @part with the number of killed processes in place of KILLED_BY_KERNEL; owned by the caller. */
static char *part_of(const Job *job, const char *part) {
        const char *mark = strstr(part, KILLED_BY_KERNEL);
        unsigned n = mark ? kernel_kills(job) : 0;

        return mark ? xasprintf("%.*s%u process%s%s", (int) (mark - part), part, n, n == 1 ? "" : "es",
                              mark + strlen(KILLED_BY_KERNEL))
                    : xstrdup(part);
}

void subjects_check_events(Agent *agent, Events *events, Subject *subjects, size_t n) {
        Job *some = NULL;

        for (size_t i = 0; i < n; i++)
                if (subjects[i].cell->truth.outcome != FAILS)
                        some = subjects[i].job;
        cr_assert_not_null(some);
        events_read(events, agent, some);

        for (size_t i = 0; i < n; i++) {
                const Cell *cell = subjects[i].cell;
                const Job *job = subjects[i].job;
                _cleanup_string_buffer_ StringBuffer all = {};

                STRV_FOREACH (line, events->lines)
                        if (string_after_prefix(*line, job->config.alloc_id))
                                string_buffer_append(&all, "%s\n", *line);
                for (size_t k = 0; k < ELEMENTSOF(cell->truth.once) && cell->truth.once[k]; k++) {
                        _cleanup_free_ char *part = part_of(job, cell->truth.once[k]);

                        cr_expect_eq(events_count(events, job, part), 1, "%s %s: \"%s\" in\n%s", cell->fault,
                                moment_to_string(cell->moment), part, all.text);
                }
                cr_expect_leq(events_count(events, job, "Started "), 1);
                cr_expect_eq(events_count(events, job, "TasksMax"), 0, "%s: %s", cell->fault, all.text);
                size_t ends = events_count(events, job, "Exited: ") + events_count(events, job, "Stopped: ");
                cr_expect_eq(ends, cell->truth.outcome == FAILS ? 0 : 1, "%s %s:\n%s", cell->fault,
                        moment_to_string(cell->moment), all.text);
        }
}

void subject_destroy(Agent *agent, Subject *subject) {
        Job *job = subject->job;

        job_destroy(agent, job);
        /* The brackets keep grep from finding itself. */
        _cleanup_free_ char *left = shell(NULL,
                "ls -d /run/nspawn-units/tasks/%1$s " TASK_SLICE "/%2$s 2>/dev/null; "
                "grep %1$s /proc/mounts; ip -o link show ve-%1$s 2>/dev/null; "
                "grep -las 'machine[=]%1$s' /proc/[0-9]*/cmdline",
                job->machine, job->unit);
        cr_expect_str_empty(left, "%s %s leaves\n%s", subject->cell->fault,
                moment_to_string(subject->cell->moment), left);
        (void) client_call_free(subject->stopping);
        (void) job_free(job);
        free(subject->main_pid);
        *subject = (Subject){};
}

void subjects_end(Agent *agent, Events *events, Subject *subjects, size_t n) {
        for (size_t i = 0; i < n; i++)
                subject_open_gate(&subjects[i]);
        for (size_t i = 0; i < n; i++)
                subject_check(agent, &subjects[i]);
        subjects_check_events(agent, events, subjects, n);
        for (size_t i = 0; i < n; i++)
                subject_destroy(agent, &subjects[i]);
}
