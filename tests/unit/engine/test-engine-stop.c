/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/strv.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"
#include "box/group-box.h"

TestSuite(engine_stop, .timeout = 60);

#define LONG_USEC (60 * USEC_PER_SEC)

/* ---- processes as of systemd-nspawn: a supervisor, and the container's processes 1 and 2 ---- */

typedef struct Container {
        pid_t supervisor;
        int fd; /* "1:SIGNAL\n" or "2:SIGNAL\n" for each signal that arrives; end of file when all are gone
                 */
        int go; /* a byte makes the container begin */
} Container;

/* Writes each signal that arrives, until the test is over. */
_noreturn_ static void report_signals(int fd, char who) {
        sigset_t all;
        int signal;

        (void) sigfillset(&all);
        (void) dprintf(fd, "%c:ready\n", who);
        while (sigwait(&all, &signal) == 0)
                (void) dprintf(fd, "%c:%d\n", who, signal);
        _exit(1);
}

static void block_signals(void) {
        sigset_t all;

        (void) sigfillset(&all);
        (void) sigprocmask(SIG_SETMASK, &all, NULL);
}

_noreturn_ static void run_supervisor(int fd) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        block_signals();
        if (unshare(CLONE_NEWPID) < 0) {
                (void) dprintf(fd, "%s\n", errno == EPERM ? "no" : strerror(errno));
                _exit(1);
        }
        if (fork() == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (fork() == 0)
                        report_signals(fd, '2');
                report_signals(fd, '1');
        }
        (void) close(fd);
        while (wait(NULL) >= 0)
                ;
        _exit(0);
}

/* Return: the next line, owned by the caller; "" at the end. */
static char *container_line(const Container *container) {
        _cleanup_string_buffer_ StringBuffer buffer = {};
        struct pollfd pollfd = { .fd = container->fd, .events = POLLIN };
        char c;

        for (;;) {
                cr_assert_eq(
                        poll(&pollfd, 1, (int) (FAKE_LIMIT_USEC / USEC_PER_MSEC)), 1, "nothing arrives");
                if (read(container->fd, &c, 1) <= 0 || c == '\n')
                        return string_buffer_take(&buffer);
                string_buffer_append_bytes(&buffer, &c, 1);
        }
}

/* Starts the supervisor; container_begin() starts its container. */
static void container_prepare(Container *container) {
        int pipes[2], go[2];
        char byte;

        cr_assert_eq(pipe(pipes), 0);
        cr_assert_eq(pipe(go), 0);
        container->supervisor = fork();
        if (container->supervisor == 0) {
                (void) close(pipes[0]);
                (void) close(go[1]);
                if (read(go[0], &byte, 1) == 1)
                        run_supervisor(pipes[1]);
                _exit(1);
        }
        (void) close(pipes[1]);
        (void) close(go[0]);
        container->fd = pipes[0];
        container->go = go[1];
}

static void container_begin(Container *container) {
        cr_assert_eq(write(container->go, "", 1), 1);
        (void) close(container->go);
        for (int i = 0; i < 2; i++) {
                _cleanup_free_ char *line = container_line(container);
                if (streq(line, "no"))
                        cr_skip_test("no pid namespaces here");
                cr_assert_not_null(strstr(line, "ready"), "%s", line);
        }
}

static void container_start(Container *container) {
        container_prepare(container);
        container_begin(container);
}

static void container_end(Container *container) {
        (void) kill(container->supervisor, SIGKILL);
        (void) waitpid(container->supervisor, NULL, 0);
        (void) close(container->fd);
}

static void expect_line(const Container *container, char who, int signal) {
        _cleanup_free_ char *line = container_line(container), *wanted = xasprintf("%c:%d", who, signal);

        cr_assert_str_eq(line, wanted);
}

static void run_contained(EngineBox *box, Container *container, TaskLaunch launch) {
        TaskRequest *request;

        engine_box_open(box);
        container_start(container);
        box->fake->main_pid = (uint32_t) container->supervisor;
        request = engine_box_request(box);
        request->launch = launch;
        cr_assert_eq(engine_start(box->engine, "one", request, &(TaskStreams){ -1, -1 },
                             engine_box_on_started, box, NULL),
                0);
        engine_box_run_until(box, box->n_started > 0);
        cr_assert_not_null(box->task, "%s", box->words);
        cr_assert_gt(task_leader(box->task), container->supervisor);
}

static void expect_signal(TaskLaunch launch, int asked, char who, int signal) {
        _cleanup_engine_box_ EngineBox box;
        Container container;

        run_contained(&box, &container, launch);
        task_stop(box.task, asked, LONG_USEC);
        cr_assert_eq(task_state(box.task), TASK_STOPPING);
        expect_line(&container, who, signal);
        engine_box_settle(&box);
        cr_assert_eq(engine_box_count(&box, "StopUnit"), 0, "the task got the signal, not the unit");
        cr_assert_eq(engine_box_count(&box, "KillUnit"), 0);
        container_end(&container);
}

Test(engine_stop, a_supervised_command_gets_sigterm) {
        expect_signal(TASK_LAUNCH_SUPERVISE, 0, '2', SIGTERM);
}

Test(engine_stop, a_supervised_command_gets_the_signal_that_was_asked_for) {
        expect_signal(TASK_LAUNCH_SUPERVISE, SIGHUP, '2', SIGHUP);
}

Test(engine_stop, a_command_below_the_stub_gets_the_signal) {
        expect_signal(TASK_LAUNCH_STUB, SIGINT, '2', SIGINT);
}

Test(engine_stop, a_command_that_is_the_first_process_gets_the_signal_itself) {
        expect_signal(TASK_LAUNCH_DIRECT, 0, '1', SIGTERM);
        expect_signal(TASK_LAUNCH_DIRECT, SIGINT, '1', SIGINT);
}

Test(engine_stop, a_booted_system_is_asked_to_shut_down) {
        expect_signal(TASK_LAUNCH_BOOT, 0, '1', SIGRTMIN + 3);
}

Test(engine_stop, sigterm_and_sigint_mean_a_shutdown_to_a_booted_system) {
        expect_signal(TASK_LAUNCH_BOOT, SIGTERM, '1', SIGRTMIN + 3);
        expect_signal(TASK_LAUNCH_BOOT, SIGINT, '1', SIGRTMIN + 3);
}

Test(engine_stop, other_signals_reach_a_booted_system_as_they_are) {
        expect_signal(TASK_LAUNCH_BOOT, SIGUSR1, '1', SIGUSR1);
}

/* Waits for the end of all processes, ends the unit, and expects SIGKILL as the result. */
static void expect_killed(EngineBox *box, Container *container) {
        TaskWait *wait = task_wait(box->task, engine_box_on_ended, box);

        for (;;) {
                _cleanup_free_ char *line = container_line(container);
                if (string_is_empty(line))
                        break;
        }
        cr_assert_eq(engine_box_count(box, "KillUnit"), 0, "nspawn must end by itself, to clear up");
        fake_unit_exit(box->fake, engine_box_unit(box), CLD_EXITED, 1);
        engine_box_run_until(box, box->n_ended > 0);
        cr_assert(box->result.known);
        cr_assert_eq(box->result.signal, SIGKILL);
        cr_assert_eq(box->result.code, 128 + SIGKILL);
        task_wait_free(wait);
        container_end(container);
}

static int on_watch(
        sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        *(bool *) userdata = true;
        return 0;
}

Test(engine_stop, what_does_not_end_in_time_is_killed_with_its_first_process) {
        _cleanup_engine_box_ EngineBox box;
        Container container;
        sd_event_source *watch;
        bool gone = false;

        run_contained(&box, &container, TASK_LAUNCH_SUPERVISE);
        task_stop(box.task, 0, 20 * USEC_PER_MSEC);
        expect_line(&container, '2', SIGTERM);
        cr_assert_geq(sd_event_add_io(box.event, &watch, container.fd, POLLIN, on_watch, &gone), 0);
        engine_box_run_until(&box, gone);
        sd_event_source_disable_unref(watch);
        expect_killed(&box, &container);
}

Test(engine_stop, no_time_means_killed_at_once) {
        _cleanup_engine_box_ EngineBox box;
        Container container;

        run_contained(&box, &container, TASK_LAUNCH_BOOT);
        task_stop(box.task, SIGTERM, 0);
        expect_killed(&box, &container);
}

Test(engine_stop, a_second_stop_is_passed_on_too) {
        _cleanup_engine_box_ EngineBox box;
        Container container;

        run_contained(&box, &container, TASK_LAUNCH_SUPERVISE);
        task_stop(box.task, SIGHUP, LONG_USEC);
        expect_line(&container, '2', SIGHUP);
        task_stop(box.task, SIGTERM, LONG_USEC);
        expect_line(&container, '2', SIGTERM);
        task_stop(box.task, 0, 0);
        expect_killed(&box, &container);
}

Test(engine_stop, a_recovered_task_is_stopped_like_any_other) {
        _cleanup_engine_box_ EngineBox box;
        Container container;
        TaskRecord record;

        engine_box_open(&box);
        container_start(&container);
        box.fake->main_pid = (uint32_t) container.supervisor;
        fake_unit_add(box.fake, box.unit, "active");
        record = (TaskRecord){ .unit = box.unit, .machine = box.machine, .launch = TASK_LAUNCH_BOOT };
        cr_assert_eq(engine_recover(box.engine, "old", &record, engine_box_on_started, &box, NULL), 0);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task);
        task_stop(box.task, 0, LONG_USEC);
        expect_line(&container, '1', SIGRTMIN + 3);
        container_end(&container);
}

/* ---- without processes ---- */

Test(engine_stop, without_a_known_process_the_unit_is_killed_in_the_end) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box); /* the unit's main process has no child */
        box.fake->stop_is_slow = true;
        TaskWait *wait = task_wait(box.task, engine_box_on_ended, &box);
        task_stop(box.task, 0, 10 * USEC_PER_MSEC);
        engine_box_run_until(&box, box.n_ended > 0);
        cr_assert_eq(box.result.signal, SIGKILL);
        _cleanup_free_ char *call = xasprintf("KillUnit %s all 9", box.unit);
        cr_assert_eq(engine_box_count(&box, call), 1);
        task_wait_free(wait);
}

Test(engine_stop, a_stop_before_systemd_was_asked_cancels_the_start) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_start(&box);
        task_stop(engine_first(box.engine), 0, LONG_USEC);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_eq(box.code, ECANCELED);
        engine_box_settle(&box);
        cr_assert_eq(box.n_started, 1);
        cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), 0);
        cr_assert_eq(engine_box_count(&box, "StopUnit"), 0);
}

Test(engine_stop, a_stop_during_the_start_stops_the_unit) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        box.fake->start = FAKE_START_HANG;
        engine_box_start(&box);
        engine_box_run_until(&box, fake_unit_find(box.fake, box.unit));
        engine_box_settle(&box);
        task_stop(engine_first(box.engine), 0, LONG_USEC);
        task_stop(engine_first(box.engine), 0, LONG_USEC);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_not_null(strstr(box.words, "stopped"), "%s", box.words);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
        engine_box_settle(&box);
        cr_assert_null(fake_unit_find(box.fake, box.unit));
        cr_assert_eq(box.n_started, 1);
}

Test(engine_stop, a_start_that_ignores_its_stop_is_killed) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        box.fake->start = FAKE_START_HANG;
        box.fake->stop_is_slow = true;
        engine_box_start(&box);
        engine_box_run_until(&box, fake_unit_find(box.fake, box.unit));
        task_stop(engine_first(box.engine), 0, 10 * USEC_PER_MSEC);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        cr_assert_eq(engine_box_count(&box, "StopUnit"), 1);
        cr_assert_eq(engine_box_count(&box, "KillUnit"), 1);
}

/* While the engine looks whether a unit of this name exists already, the name stands for that other unit. */
Test(engine_stop, a_stop_never_hits_a_live_namesake) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        fake_unit_add(box.fake, box.unit, "active")->pinned = true;
        box.fake->ignore = "GetAll";
        engine_box_start(&box);
        engine_box_run_until(&box, engine_box_count(&box, "GetAll") > 0);
        task_stop(engine_first(box.engine), 0, LONG_USEC);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_null(box.task);
        engine_box_settle(&box);
        cr_assert_eq(engine_box_count(&box, "StopUnit"), 0);
        cr_assert_eq(engine_box_count(&box, "KillUnit"), 0);
        cr_assert_str_eq(engine_box_unit(&box)->active_state, "active");
        cr_assert(engine_box_unit(&box)->pinned);
}

Test(engine_stop, a_stop_of_what_ended_does_nothing) {
        _cleanup_engine_box_ EngineBox box;

        engine_box_open(&box);
        engine_box_run(&box);
        fake_unit_exit(box.fake, engine_box_unit(&box), CLD_EXITED, 4);
        engine_box_run_until(&box, task_state(box.task) == TASK_EXITED);
        task_stop(box.task, SIGKILL, 0);
        engine_box_settle(&box);
        cr_assert_eq(task_state(box.task), TASK_EXITED);
        cr_assert_eq(task_result(box.task)->code, 4);
        cr_assert_eq(engine_box_count(&box, "KillUnit"), 0);
}

/* ---- frozen tasks ---- */

static void run_frozen(EngineBox *box, GroupBox *groups, const char *unit_frozen, const char *slice_frozen) {
        engine_box_open(box);
        group_box_open(groups);
        group_box_write(groups, "cgroup.freeze", unit_frozen);
        group_box_write(groups, "../cgroup.freeze", slice_frozen);
        engine_box_run(box);
        _cleanup_free_ char *path = group_box_path(groups, NULL);
        fake_unit_place(engine_box_unit(box), path);
        fake_unit_emit(box->fake, engine_box_unit(box));
        engine_box_settle(box);
}

static size_t count_events(const EngineBox *box, const char *part) {
        size_t n = 0;

        STRV_FOREACH (event, box->events)
                n += strstr(*event, part) != NULL;
        return n;
}

Test(engine_stop, a_frozen_task_is_thawed_before_it_is_stopped) {
        static const uint64_t timeouts[] = { LONG_USEC, 0 };

        for (size_t i = 0; i < ELEMENTSOF(timeouts); i++) {
                _cleanup_engine_box_ EngineBox box;
                _cleanup_group_box_ GroupBox groups;

                run_frozen(&box, &groups, "1\n", "0\n");
                task_stop(box.task, 0, timeouts[i]);
                engine_box_run_until(&box, task_state(box.task) == TASK_EXITED);
                cr_expect_eq(engine_box_count(&box, "ThawUnit"), 1);
                cr_expect_lt(fake_systemd_position(box.fake, "ThawUnit"),
                        fake_systemd_position(box.fake, "StopUnit"));
                cr_expect_eq(count_events(&box, "Cannot be stopped"), 0);
        }
}

Test(engine_stop, a_task_that_is_frozen_with_its_slice_is_told_of_once_and_ends_when_that_is_thawed) {
        _cleanup_engine_box_ EngineBox box;
        _cleanup_group_box_ GroupBox groups;
        _cleanup_free_ char *words = NULL;

        run_frozen(&box, &groups, "0\n", "1\n");
        words = xasprintf(
                "Cannot be stopped: %s is frozen with its slice: systemctl thaw test.slice", box.unit);
        for (int i = 0; i < 2; i++) {
                task_stop(box.task, 0, 0);
                engine_box_run_until(&box, count_events(&box, words) > 0);
                engine_box_settle(&box);
        }
        cr_expect_eq(count_events(&box, words), 1);
        cr_expect_eq(engine_box_count(&box, "StopUnit") + engine_box_count(&box, "KillUnit"), 0);
        cr_expect_eq(task_state(box.task), TASK_STOPPING);

        /* The stop goes on without a further StopTask. */
        group_box_write(&groups, "../cgroup.freeze", "0\n");
        engine_box_run_until(&box, task_state(box.task) == TASK_EXITED);
}

/* ---- the leader is found when it is needed ---- */

Test(engine_stop, a_first_process_that_was_missed_at_the_start_is_found_for_a_signal) {
        _cleanup_engine_box_ EngineBox box;
        Container container = {};

        engine_box_open(&box);
        container_prepare(&container);
        box.fake->main_pid = (uint32_t) container.supervisor;
        TaskRequest *request = engine_box_request(&box);
        request->launch = TASK_LAUNCH_DIRECT;
        cr_assert_eq(engine_start(box.engine, "one", request, &(TaskStreams){ -1, -1 },
                             engine_box_on_started, &box, NULL),
                0);
        engine_box_run_until(&box, box.n_started > 0);
        cr_assert_not_null(box.task, "%s", box.words);
        cr_assert_eq(task_leader(box.task), 0);
        cr_assert_eq(task_signal(box.task, SIGHUP), -ESRCH);

        /* No property of the unit changes. */
        container_begin(&container);
        cr_assert_eq(task_signal(box.task, SIGHUP), 0);
        cr_assert_gt(task_leader(box.task), container.supervisor);
        expect_line(&container, '1', SIGHUP);
        container_end(&container);
}
