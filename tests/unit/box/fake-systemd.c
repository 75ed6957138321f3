/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "base/strv.h"
#include "box/fake-systemd.h"
#include "kernel/cgroup.h"
#include "bus/system-bus.h"
#include "task/name.h"
#include "unit/task-dir.h"
#include "box/tree.h"

#define UNIT_PREFIX "/org/freedesktop/systemd1/unit"
#define INTERFACE_UNIT "org.freedesktop.systemd1.Unit"
#define INTERFACE_SERVICE "org.freedesktop.systemd1.Service"
#define INTERFACE_PROPERTIES "org.freedesktop.DBus.Properties"
#define MACHINED "org.freedesktop.machine1"
#define IMAGE_OBJECT "/org/freedesktop/machine1/image/one"

uint64_t fake_now(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / NSEC_PER_USEC;
}

/* ---- the dbus-daemon ---- */

static void write_text(const char *directory, const char *name, const char *text) {
        _cleanup_free_ char *path = xasprintf("%s/%s", directory, name);

        cr_assert_eq(file_write_private(path, text, strlen(text)), 0);
}

static void write_config(const FakeSystemd *fake) {
        _cleanup_free_ char *config = xasprintf(
                "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
                " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
                "<busconfig><listen>%s</listen><servicedir>%s</servicedir>\n"
                "<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\n"
                "<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>\n",
                fake->address, fake->directory);

        write_text(fake->directory, "bus.conf", config);
        write_text(fake->directory, MACHINED ".service",
                "[D-BUS Service]\nName=" MACHINED "\nExec=/bin/false\n");
}

/* Ready once it printed its address. */
static void wait_for_address(int fd) {
        struct pollfd pollfd = { .fd = fd, .events = POLLIN };
        char byte;

        cr_assert_eq(
                poll(&pollfd, 1, (int) (FAKE_LIMIT_USEC / USEC_PER_MSEC)), 1, "dbus-daemon does not start");
        cr_assert_eq(read(fd, &byte, 1), 1, "dbus-daemon did not start");
}

static void daemon_start(FakeSystemd *fake) {
        _cleanup_free_ char *config = xasprintf("--config-file=%s/bus.conf", fake->directory), *print = NULL;
        int pipes[2];

        cr_assert_eq(pipe(pipes), 0);
        print = xasprintf("--print-address=%d", pipes[1]);
        fake->daemon = fork();
        cr_assert_geq(fake->daemon, 0);
        if (fake->daemon == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) close(pipes[0]);
                /* It says each time that it may not raise a limit. */
                (void) close(STDERR_FILENO);
                (void) execlp("dbus-daemon", "dbus-daemon", config, "--nofork", "--nopidfile", print, NULL);
                _exit(127);
        }
        (void) close(pipes[1]);
        wait_for_address(pipes[0]);
        (void) close(pipes[0]);
}

static void daemon_stop(FakeSystemd *fake) {
        _cleanup_free_ char *socket = xasprintf("%s/bus", fake->directory);

        if (fake->daemon <= 0)
                return;
        (void) kill(fake->daemon, SIGKILL);
        (void) waitpid(fake->daemon, NULL, 0);
        (void) unlink(socket);
        fake->daemon = 0;
}

/* ---- units ---- */

FakeUnit *fake_unit_find(FakeSystemd *fake, const char *name) {
        for (size_t i = 0; i < FAKE_UNITS_MAX; i++)
                if (streq_null(fake->units[i].name, name))
                        return &fake->units[i];
        return NULL;
}

FakeUnit *fake_unit_add(FakeSystemd *fake, const char *name, const char *active_state) {
        for (size_t i = 0; i < FAKE_UNITS_MAX; i++) {
                FakeUnit *unit = &fake->units[i];

                if (unit->name)
                        continue;
                *unit = (FakeUnit){
                        .name = xstrdup(name),
                        .active_state = active_state,
                        .sub_state = "any",
                        .result = "success",
                        .invocation = 0xfe,
                };
                if (streq(active_state, "active"))
                        unit->main_pid = fake->main_pid;
                return unit;
        }
        cr_assert_fail("too many units");
        return NULL;
}

static bool is_dead(const FakeUnit *unit) {
        return streq(unit->active_state, "inactive") || streq(unit->active_state, "failed");
}

static void unit_collect(FakeUnit *unit) {
        free(unit->name);
        free(unit->control_group);
        *unit = (FakeUnit){};
}

/* As RuntimeDirectory= does. */
static void remove_runtime_directory(const FakeSystemd *fake, const char *unit) {
        _cleanup_free_ char *machine = unit_name_to_machine(unit);

        if (machine)
                task_dir_remove_unit(fake->runtime_directory, machine);
}

void fake_unit_place(FakeUnit *unit, const char *path) {
        /* Those of units are below /sys/fs/cgroup. */
        free(unit->control_group);
        unit->control_group = xasprintf("/../../..%s", path);
}

/* An ended unit has none any more. */
static char *group_of(const FakeUnit *unit) {
        if (!unit || !unit->name || is_dead(unit))
                return xstrdup("");
        return unit->control_group ? xstrdup(unit->control_group) : xasprintf("/test.slice/%s", unit->name);
}

static int append_service(sd_bus_message *m, const FakeUnit *unit) {
        _cleanup_free_ char *group = group_of(unit);
        const char *output = unit->output ? unit->output : "journal";
        const char *console = unit->console ? unit->console : "--console=pipe";

        int r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "NRestarts", "u",
                unit->n_restarts, "ControlGroup", "s", group, "MainPID", "u", unit->main_pid, "ExecMainCode",
                "i", unit->exec_main_code, "ExecMainStatus", "i", unit->exec_main_status,
                "ExecMainExitTimestamp", "t", unit->exit_usec, "Result", "s", unit->result, "StatusText",
                "s", "");
        if (r < 0)
                return r;
        return sd_bus_message_append(m, "{sv}{sv}", "StandardOutput", "s", output, "ExecStart",
                "a(sasbttttuii)", 1, "/usr/bin/systemd-nspawn", 5, "systemd-nspawn", "--quiet", console,
                "--", unit->command ? unit->command : "true", false, UINT64_C(1), UINT64_C(1), UINT64_C(0),
                UINT64_C(0), 0u, 0, 0);
}

static int append_unit(sd_bus_message *m, const FakeUnit *unit, const char *load_state) {
        int r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}", "LoadState", "s", load_state, "ActiveState",
                "s", unit->active_state, "SubState", "s", unit->sub_state, "Job", "(uo)", unit->job_id, "/",
                "ActiveEnterTimestamp", "t", UINT64_C(7));

        if (r < 0)
                return r;
        return sd_bus_message_append(m, "{sv}{sv}", "InvocationID", "ay", 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                11, 12, 13, 14, 15, unit->invocation, "SomethingNew", "a(ss)", 1, "a", "b");
}

static void emit_interface(FakeSystemd *fake, const FakeUnit *unit, bool service) {
        sd_bus_message *m = NULL;
        _cleanup_free_ char *path = NULL;

        cr_assert_geq(sd_bus_path_encode(UNIT_PREFIX, unit->name, &path), 0);
        cr_assert_geq(
                sd_bus_message_new_signal(fake->bus, &m, path, INTERFACE_PROPERTIES, "PropertiesChanged"),
                0);
        cr_assert_geq(sd_bus_message_append(m, "s", service ? INTERFACE_SERVICE : INTERFACE_UNIT), 0);
        cr_assert_geq(sd_bus_message_open_container(m, 'a', "{sv}"), 0);
        cr_assert_geq(service ? append_service(m, unit) : append_unit(m, unit, "loaded"), 0);
        cr_assert_geq(sd_bus_message_close_container(m), 0);
        cr_assert_geq(sd_bus_message_append(m, "as", 0), 0);
        cr_assert_geq(sd_bus_send(fake->bus, m, NULL), 0);
        sd_bus_message_unref(m);
}

void fake_unit_emit(FakeSystemd *fake, const FakeUnit *unit) {
        if (!fake->bus)
                return;
        emit_interface(fake, unit, true);
        emit_interface(fake, unit, false);
}

static void job_removed(FakeSystemd *fake, uint32_t id, const char *unit, const char *result) {
        char path[64];

        if (!fake->bus || id == 0)
                return;
        (void) snprintf(path, sizeof(path), SYSTEMD_PATH "/job/%u", id);
        cr_assert_geq(sd_bus_emit_signal(fake->bus, SYSTEMD_PATH, SYSTEMD_MANAGER, "JobRemoved", "uoss", id,
                              path, unit, result),
                0);
}

void fake_unit_up(FakeSystemd *fake, FakeUnit *unit) {
        uint32_t job = unit->job_id;

        unit->active_state = "active";
        unit->sub_state = "running";
        unit->job_id = 0;
        fake_unit_emit(fake, unit);
        job_removed(fake, job, unit->name, "done");
}

void fake_unit_exit(FakeSystemd *fake, FakeUnit *unit, int code, int status) {
        uint32_t job = unit->job_id;
        bool good = code == CLD_EXITED && status == 0;

        unit->active_state = good ? "inactive" : "failed";
        unit->sub_state = good ? "dead" : "failed";
        unit->result = good ? "success" : code == CLD_EXITED ? "exit-code" : "signal";
        if (fake->fail_result)
                unit->result = fake->fail_result;
        unit->main_pid = 0;
        unit->job_id = 0;
        unit->exec_main_code = code;
        unit->exec_main_status = status;
        unit->exit_usec = 1234567;
        remove_runtime_directory(fake, unit->name);
        fake_unit_emit(fake, unit);
        job_removed(fake, job, unit->name, "failed");
        if (!unit->pinned)
                unit_collect(unit);
}

void fake_unit_fail_job(FakeSystemd *fake, FakeUnit *unit) {
        uint32_t job = unit->job_id;

        unit->active_state = "activating";
        unit->sub_state = "auto-restart";
        unit->main_pid = 0;
        unit->job_id = 0;
        unit->n_restarts = 1;
        unit->exec_main_code = CLD_EXITED;
        unit->exec_main_status = 127;
        fake_unit_emit(fake, unit);
        job_removed(fake, job, unit->name, "failed");
}

/* ---- calls ---- */

static int reply_job(FakeSystemd *fake, sd_bus_message *m, uint32_t *ret) {
        char path[64];

        *ret = ++fake->n_jobs;
        (void) snprintf(path, sizeof(path), SYSTEMD_PATH "/job/%u", *ret);
        return sd_bus_reply_method_return(m, "o", path);
}

static int start_unit(FakeSystemd *fake, sd_bus_message *m, const char *name) {
        uint32_t job = 0;

        sd_bus_message_unref(fake->started);
        fake->started = sd_bus_message_ref(m);

        if (fake->start == FAKE_START_REFUSE)
                return sd_bus_reply_method_errorf(m, fake->refuse_name, "%s", fake->refuse_words);
        if (fake->start == FAKE_START_LOST)
                return 1;
        if (fake_unit_find(fake, name))
                return sd_bus_reply_method_errorf(
                        m, "org.freedesktop.systemd1.UnitExists", "Unit %s was already loaded.", name);

        FakeUnit *unit = fake_unit_add(fake, name, "activating");
        unit->main_pid = fake->main_pid;
        unit->pinned = true;
        if (fake->start == FAKE_START_SILENT)
                return 1;

        (void) reply_job(fake, m, &job);
        unit->job_id = job;
        if (fake->start == FAKE_START_JOB_FIRST) {
                job_removed(fake, job, name, "done");
                unit->job_id = 0;
        }
        fake_unit_emit(fake, unit);
        if (fake->start == FAKE_START_FAIL)
                fake_unit_exit(fake, unit, CLD_EXITED, fake->exit_status);
        else if (fake->start != FAKE_START_HANG)
                fake_unit_up(fake, unit);
        return 1;
}

static int stop_unit(FakeSystemd *fake, sd_bus_message *m, const char *name) {
        FakeUnit *unit = fake_unit_find(fake, name);
        uint32_t job;

        if (!unit)
                return sd_bus_reply_method_errorf(
                        m, "org.freedesktop.systemd1.NoSuchUnit", "Unit %s not loaded.", name);
        (void) reply_job(fake, m, &job);
        if (fake->stop_is_slow)
                return 1;
        job_removed(fake, unit->job_id, name, "canceled");
        unit->job_id = 0;
        fake_unit_exit(fake, unit, CLD_EXITED, 0);
        job_removed(fake, job, name, "done");
        return 1;
}

static int change_unit(FakeSystemd *fake, sd_bus_message *m, const char *method, const char *name) {
        FakeUnit *unit = fake_unit_find(fake, name);

        if (!unit)
                return sd_bus_reply_method_errorf(
                        m, "org.freedesktop.systemd1.NoSuchUnit", "Unit %s not loaded.", name);

        if (streq(method, "RefUnit"))
                unit->pinned = true;
        else if (streq(method, "UnrefUnit")) {
                unit->pinned = false;
                if (is_dead(unit))
                        unit_collect(unit);
        } else if (streq(method, "ResetFailedUnit") && is_dead(unit) && !fake->reset_is_vain)
                unit_collect(unit);
        else if (streq(method, "KillUnit") && !is_dead(unit))
                fake_unit_exit(fake, unit, CLD_KILLED, SIGKILL);
        else if (streq(method, "ThawUnit") && fake->no_thaw)
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_FAILED, "%s", fake->no_thaw);
        else if (streq(method, "ThawUnit"))
                (void) cgroup_thaw(NULL, unit->control_group);
        return sd_bus_reply_method_return(m, NULL);
}

static int reply_unit(FakeSystemd *fake, sd_bus_message *m, const char *name) {
        static const FakeUnit none = {
                .active_state = "inactive", .sub_state = "dead", .result = "success"
        };
        const FakeUnit *unit = fake_unit_find(fake, name);
        sd_bus_message *reply = NULL;

        cr_assert_geq(sd_bus_message_new_method_return(m, &reply), 0);
        cr_assert_geq(sd_bus_message_open_container(reply, 'a', "{sv}"), 0);
        cr_assert_geq(append_unit(reply, unit ? unit : &none, unit ? "loaded" : "not-found"), 0);
        cr_assert_geq(append_service(reply, unit ? unit : &none), 0);
        cr_assert_geq(sd_bus_message_close_container(reply), 0);
        cr_assert_geq(sd_bus_send(fake->bus, reply, NULL), 0);
        sd_bus_message_unref(reply);
        return 1;
}

/* The version of systemd, and the control groups of units. */
static int reply_property(FakeSystemd *fake, sd_bus_message *m) {
        _cleanup_free_ char *name = NULL, *group = NULL;

        if (sd_bus_path_decode(sd_bus_message_get_path(m), UNIT_PREFIX, &name) <= 0)
                return sd_bus_reply_method_return(m, "v", "s", fake->version);
        group = group_of(fake_unit_find(fake, name));
        return sd_bus_reply_method_return(m, "v", "s", group);
}

static bool is_refused_read(FakeSystemd *fake, sd_bus_message *m, const char *method) {
        if (!fake->no_read || (!streq(method, "GetAll") && !streq(method, "Get")) ||
                !string_after_prefix(sd_bus_message_get_path(m), UNIT_PREFIX "/"))
                return false;
        if (fake->n_reads_refused > 0 && --fake->n_reads_refused == 0)
                fake->no_read = NULL;
        return true;
}

static int dispatch(FakeSystemd *fake, sd_bus_message *m, const char *method, const char *name) {
        static const char *const changes[] = { "RefUnit", "UnrefUnit", "ResetFailedUnit", "KillUnit",
                "ThawUnit" };

        if (streq(method, "Subscribe"))
                return sd_bus_reply_method_return(m, NULL);
        if (is_refused_read(fake, m, method))
                return sd_bus_reply_method_errorf(m, fake->no_read, "cannot be read now");
        if (streq(method, "GetAll") && fake->strange)
                return sd_bus_reply_method_return(m, "s", fake->strange);
        if (streq(method, "Get"))
                return reply_property(fake, m);
        if (streq(method, "GetAll"))
                return reply_unit(fake, m, name);
        if (streq(method, "StartTransientUnit"))
                return start_unit(fake, m, name);
        if (streq(method, "StopUnit"))
                return stop_unit(fake, m, name);
        for (size_t i = 0; i < ELEMENTSOF(changes); i++)
                if (streq(method, changes[i]))
                        return change_unit(fake, m, method, name);
        return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_METHOD, "no %s", method);
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        FakeSystemd *fake = userdata;
        const char *method = sd_bus_message_get_member(m), *name = NULL, *how = NULL;
        _cleanup_free_ char *decoded = NULL;
        int32_t signal = 0;

        if (streq(method, "GetAll")) {
                cr_assert_gt(sd_bus_path_decode(sd_bus_message_get_path(m), UNIT_PREFIX, &decoded), 0);
                name = decoded;
        } else if (sd_bus_message_has_signature(m, "ssi"))
                (void) sd_bus_message_read(m, "ssi", &name, &how, &signal);
        else if (sd_bus_message_has_signature(m, "ss"))
                (void) sd_bus_message_read(m, "ss", &name, &how);
        else if (!streq(method, "Subscribe"))
                (void) sd_bus_message_read(m, "s", &name);

        if (how && signal)
                strv_appendf(&fake->calls, "%s %s %s %d", method, name, how, signal);
        else
                strv_appendf(&fake->calls, "%s%s%s%s%s", method, name ? " " : "", name ? name : "",
                        how ? " " : "", how ? how : "");

        if (streq_null(fake->ignore, method))
                return 1;
        return dispatch(fake, m, method, name);
}

static int on_machined(sd_bus_message *m, void *userdata, sd_bus_error *error _unused_) {
        FakeSystemd *fake = userdata;
        const char *name = NULL;

        cr_assert_gt(sd_bus_message_read(m, "s", &name), 0);
        strv_appendf(&fake->calls, "%s %s", sd_bus_message_get_member(m), name);
        if (fake->ignore_machined)
                return 1;
        if (streq(sd_bus_message_get_member(m), "GetAll"))
                return sd_bus_reply_method_return(m, "a{sv}", 3, "Path", "s", fake->image_path, "Type", "s",
                        fake->image_type, "ReadOnly", "b", false);
        if (!streq_null(fake->image, name))
                return sd_bus_reply_method_errorf(m, MACHINED ".NoSuchImage", "No image '%s' known", name);
        return sd_bus_reply_method_return(m, "o", IMAGE_OBJECT);
}

/* ---- life ---- */

static void connect_bus(FakeSystemd *fake) {
        cr_assert_geq(sd_bus_new(&fake->bus), 0);
        cr_assert_geq(sd_bus_set_address(fake->bus, fake->address), 0);
        cr_assert_geq(sd_bus_set_bus_client(fake->bus, true), 0);
        cr_assert_geq(sd_bus_negotiate_fds(fake->bus, true), 0);
        cr_assert_geq(sd_bus_start(fake->bus), 0);
        cr_assert_geq(sd_bus_add_fallback(fake->bus, NULL, SYSTEMD_PATH, on_call, fake), 0);
        cr_assert_geq(
                sd_bus_add_fallback(fake->bus, NULL, "/org/freedesktop/machine1", on_machined, fake), 0);
        cr_assert_geq(sd_bus_request_name(fake->bus, SYSTEMD_DESTINATION, 0), 0);
        cr_assert_geq(sd_bus_request_name(fake->bus, MACHINED, 0), 0);
        cr_assert_geq(sd_bus_attach_event(fake->bus, fake->event, 0), 0);
}

FakeSystemd *fake_systemd_new(sd_event *event) {
        FakeSystemd *fake = xnew(FakeSystemd, 1);
        char directory[] = "/tmp/fake-systemd-XXXXXX";

        cr_assert_not_null(mkdtemp(directory));
        fake->directory = xstrdup(directory);
        fake->address = xasprintf("unix:path=%s/bus", directory);
        fake->event = sd_event_ref(event);
        fake->version = "252.39-1~deb12u1";
        fake->exit_status = 1;
        fake->main_pid = (uint32_t) getpid();
        write_config(fake);
        daemon_start(fake);
        connect_bus(fake);
        return fake;
}

FakeSystemd *fake_systemd_free(FakeSystemd *fake) {
        if (!fake)
                return NULL;

        sd_bus_message_unref(fake->started);
        fake->bus = sd_bus_close_unref(fake->bus);
        daemon_stop(fake);
        for (size_t i = 0; i < FAKE_UNITS_MAX; i++)
                if (fake->units[i].name) {
                        remove_runtime_directory(fake, fake->units[i].name);
                        unit_collect(&fake->units[i]);
                }
        (void) tree_remove(fake->directory);
        sd_event_unref(fake->event);
        strv_free(fake->calls);
        free(fake->directory);
        free(fake->runtime_directory);
        free(fake->address);
        free(fake);
        return NULL;
}

void fake_systemd_drop(FakeSystemd *fake) {
        /* In this order: otherwise the dbus-daemon tells that systemd went. */
        daemon_stop(fake);
        fake->started = sd_bus_message_unref(fake->started);
        fake->bus = sd_bus_close_unref(fake->bus);
        for (size_t i = 0; i < FAKE_UNITS_MAX; i++) {
                fake->units[i].pinned = false;
                if (fake->units[i].name && is_dead(&fake->units[i]))
                        unit_collect(&fake->units[i]);
        }
}

void fake_systemd_return(FakeSystemd *fake) {
        daemon_start(fake);
        connect_bus(fake);
}

size_t fake_systemd_position(const FakeSystemd *fake, const char *prefix) {
        for (size_t i = 0; fake->calls && fake->calls[i]; i++)
                if (string_after_prefix(fake->calls[i], prefix))
                        return i;
        return SIZE_MAX;
}

size_t fake_systemd_count(const FakeSystemd *fake, const char *prefix) {
        size_t n = 0;

        STRV_FOREACH (call, fake->calls)
                n += string_after_prefix(*call, prefix) != NULL;
        return n;
}

static int on_pong(sd_bus_message *m _unused_, void *userdata, sd_bus_error *error _unused_) {
        *(bool *) userdata = true;
        return 0;
}

void fake_systemd_settle(FakeSystemd *fake, sd_bus *client) {
        for (int round = 0; round < 3; round++) {
                bool pong = false;

                cr_assert_geq(sd_bus_call_method_async(client, NULL, SYSTEMD_DESTINATION, "/",
                                      "org.freedesktop.DBus.Peer", "Ping", on_pong, &pong, NULL),
                        0);
                RUN_UNTIL(fake->event, pong);
        }
}
