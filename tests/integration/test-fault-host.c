/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <unistd.h>

#include "fault.h"

/* Faults of the whole host. The suite alone is declared in test-plugin.c. */

/* The end of "Exited: ..." and of "Stopped: ...". */
#define KILLED "ed: killed by signal 9 (SIGKILL)"
#define TOO_LATE "Killed: it did not end in the time it was given"

/* Only a new run after the fault shows that systemd still has all properties of the unit. */
#define RESTART "{'restart': {'policy': 'on-failure', 'delay': '200ms'}}"

/* Longest time until the driver has a connection again. On real hardware it takes less than a second. */
#define BACK_SEC 5.0

/* A task in each moment of its life, with results that none of these faults may change. */
#define CELLS_OF(name) \
        { \
                { name, STARTING, .truth = { LIVES } }, { name, RUNNING, .truth = { LIVES } }, \
                        { name, RUNNING, "kill -KILL $M", .config = RESTART, .truth = { RESTARTS } }, \
                        { name, STOPPING, .stop_sec = 8, \
                                .truth = { ENDS, 137, 9, .once = { TOO_LATE, KILLED } } }, \
                { \
                        name, EXITED, .truth = { ENDS, 7, .once = { "Exited: exit code 7" } } \
                } \
        }

#define NEW_BUS \
        "until test $(systemctl show -P MainPID dbus.service) != $B && busctl status org.freedesktop.systemd1 " \
        ">/dev/null 2>&1; do :; done"

static const struct {
        Cell cells[5];
        const char *line; /* $B is the main process of dbus.service before the fault */
        bool bus;         /* the connection to the bus breaks */
} faults[] = {
        { CELLS_OF("restart of dbus"), "systemctl restart dbus.service; " NEW_BUS, true },
        { CELLS_OF("SIGKILL of dbus"), "systemctl kill -s KILL dbus.service; " NEW_BUS, true },
        { CELLS_OF("daemon-reload"), "systemctl daemon-reload", false },
        { CELLS_OF("daemon-reexec"), "systemctl daemon-reexec", false },
        { CELLS_OF("stop of systemd-machined"), "systemctl stop systemd-machined.service", false },
        { CELLS_OF("SIGKILL of systemd-machined"), "systemctl kill -s KILL systemd-machined.service",
                false },
        { CELLS_OF("restart of systemd-journald"), "systemctl restart systemd-journald.service", false },
        { CELLS_OF("SIGKILL of systemd-journald"), "systemctl kill -s KILL systemd-journald.service",
                false },
};

static void strike(ClientCall *fingerprint, size_t i) {
        free(shell_good("B=$(systemctl show -P MainPID dbus.service); %s", faults[i].line));
        if (!faults[i].bus)
                return;

        double back = now();
        fingerprint_wait(fingerprint, UNDETECTED);
        fingerprint_wait(fingerprint, HEALTHY);
        measured(faults[i].cells[0].fault, "the driver is back after %.3f s", now() - back);
        cr_expect_lt(now() - back, BACK_SEC);
}

Test(alone, faults_of_the_host_with_several_tasks_at_once) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_events_ Events events;
        _cleanup_client_call_ ClientCall *fingerprint = fingerprint_open(&agent);
        double begin = now();

        events_open(&events, &agent);
        fingerprint_wait(fingerprint, HEALTHY);
        for (size_t i = 0; i < ELEMENTSOF(faults); i++) {
                Subject subjects[ELEMENTSOF(faults[i].cells)];

                subjects_begin(&agent, subjects, faults[i].cells, ELEMENTSOF(subjects));
                strike(fingerprint, i);
                for (size_t k = 0; k < ELEMENTSOF(subjects); k++)
                        subject_apply(&agent, &subjects[k]);
                subjects_end(&agent, &events, subjects, ELEMENTSOF(subjects));
        }
        measured("faults of the host", "%zu in %.0f s", ELEMENTSOF(faults), now() - begin);
}

static void stop_it(Agent *agent, Subject *subject) {
        subject->stopping = stop_begin(agent, subject->job, 0);
}

/*
 * The sockets that would start the bus again. systemd 262 has systemd-machined.socket, to which every nspawn
 * connects at its end; this starts systemd-machined, which requires dbus.socket.
 */
#define BUS_SOCKETS "$(cd /usr/lib/systemd/system && ls dbus.socket systemd-machined.socket 2>/dev/null)"

/* Faults while the driver cannot hear of them. */
Test(alone, faults_of_tasks_while_there_is_no_bus) {
        static const Cell cells[] = {
                { "no bus", RUNNING, .truth = { LIVES } },
                { "no bus, an exit", RUNNING, "echo exit 9 >$I",
                        .truth = { ENDS, 9, .once = { "Exited: exit code 9" } } },
                { "no bus, SIGKILL of nspawn", RUNNING, "kill -KILL $M",
                        .truth = { ENDS, 137, 9, .once = { KILLED } } },
                { "no bus, systemctl stop", RUNNING, "systemctl stop $U",
                        .truth = { ENDS, 3, .once = { "Exited: exit code 3" } } },
                { "no bus, StopTask", RUNNING, .apply = stop_it,
                        .truth = { ENDS, 3, .once = { "Stopped: exit code 3" } } },
                { "no bus, out of memory", RUNNING, "echo be-eaten >$I",
                        .truth = { ENDS, 137, 9, true, .once = { "Out of memory: ", KILLED } } },
        };
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_events_ Events events;
        _cleanup_client_call_ ClientCall *fingerprint = fingerprint_open(&agent);
        _cleanup_job_ Job *late = job_new("exit 0", NULL);
        Subject subjects[ELEMENTSOF(cells)];

        events_open(&events, &agent);
        subjects_begin(&agent, subjects, cells, ELEMENTSOF(cells));
        free(shell_good("systemctl stop " BUS_SOCKETS " dbus.service 2>&1"));
        fingerprint_wait(fingerprint, UNDETECTED);
        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
                subject_apply(&agent, &subjects[i]);
        _cleanup_free_ char *words = job_start_fails(&agent, late);
        expect_text(words, "no connection to systemd");
        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
                if (cells[i].truth.outcome == ENDS)
                        shell_until("test \"$(systemctl show -P LoadState %s)\" = not-found",
                                subjects[i].job->unit);

        free(shell_good("systemctl start " BUS_SOCKETS " dbus.service && "
                        "until busctl status org.freedesktop.systemd1 >/dev/null 2>&1; do :; done"));
        double back = now();
        fingerprint_wait(fingerprint, HEALTHY);
        measured("a long time without a bus", "the driver is back after %.3f s", now() - back);
        cr_expect_lt(now() - back, BACK_SEC);
        subjects_end(&agent, &events, subjects, ELEMENTSOF(cells));
}

/* Faults while RecoverTask waits for systemd's answer. */
static void faults_during_recovery(const char *then) {
        static const Cell cells[] = {
                { "RecoverTask under way", RUNNING, .truth = { LIVES } },
                { "RecoverTask under way, an exit", RUNNING, "echo exit 9 >$I",
                        .truth = { ENDS, 9, .once = { "Exited: exit code 9" } } },
                { "RecoverTask under way, SIGKILL of the payload", RUNNING, "kill -KILL $P",
                        .truth = { ENDS, 137, 9, .once = { KILLED } } },
                { "RecoverTask under way, SIGKILL of nspawn", RUNNING, "kill -KILL $M",
                        .truth = { ENDS, 137, 9, .once = { KILLED } } },
                { "RecoverTask under way, systemctl stop", RUNNING, "systemctl stop --no-block $U",
                        .truth = { ENDS, 3, .once = { "Exited: exit code 3" } } },
                { "RecoverTask under way, StopTask", RUNNING, .apply = stop_it,
                        .truth = { ENDS, 3, .once = { "Stopped: exit code 3" } } },
        };
        Agent first = agent_start();
        Subject subjects[ELEMENTSOF(cells)];
        ClientCall *calls[ELEMENTSOF(cells)];

        subjects_begin(&first, subjects, cells, ELEMENTSOF(cells));
        plugin_signal(first.plugin, SIGKILL);
        cr_assert_eq(plugin_wait(first.plugin, LIMIT_MSEC, NULL), 0);
        agent_clear(&first);

        _cleanup_agent_ Agent second = agent_start();
        _cleanup_events_ Events events;
        events_open(&events, &second);
        free(shell_good("systemctl kill -s STOP dbus.service"));
        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
                calls[i] = job_open_recover(&second, subjects[i].job);
        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
                subject_apply(&second, &subjects[i]);
        free(shell_good("%s", then));

        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
                call_finish(calls[i], cells[i].fault, &driver__recover_task_response__descriptor);
        subjects_end(&second, &events, subjects, ELEMENTSOF(cells));
}

Test(alone, faults_during_recovery) {
        faults_during_recovery("systemctl kill -s CONT dbus.service");
}

Test(alone, faults_during_recovery_and_of_the_bus) {
        faults_during_recovery("systemctl kill -s KILL dbus.service");
}
