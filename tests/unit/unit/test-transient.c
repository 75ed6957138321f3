/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/error.h"
#include "base/string.h"
#include "box/golden.h"
#include "unit/fd-message.h"
#include "unit/transient.h"

TestSuite(transient, .timeout = 30);

/* Descriptors of a unit: its stdout, and the socket for our init. */
typedef struct Descriptors {
        int output;
        int fd_message;
        bool kept; /* over restarts, by our helper */
        bool raw;  /* not a descriptor: the image is a file system */
} Descriptors;

/* Return: a connection without a peer that answers, on which messages can be made. */
static sd_bus *open_bus(void) {
        sd_bus *bus = NULL;
        int fds[2];

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        cr_assert_geq(sd_bus_new(&bus), 0);
        cr_assert_geq(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        cr_assert_geq(sd_bus_negotiate_fds(bus, true), 0);
        cr_assert_geq(sd_bus_start(bus), 0);
        (void) close(fds[1]);
        return bus;
}

static int build(
        unsigned version, const TaskRequest *request, const Descriptors *descriptors, sd_bus_message **ret) {
        sd_bus *bus = open_bus();
        sd_bus_message *m = NULL;

        cr_assert_geq(sd_bus_message_new_method_call(bus, &m, "org.freedesktop.systemd1",
                              "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                              "StartTransientUnit"),
                0);
        const UnitHost host = {
                .register_machine = true,
                .descriptors = {
                        .output = descriptors->output,
                        .message = descriptors->fd_message,
                        .message_is_kept = descriptors->kept,
                },
                .helper = "/usr/lib/nspawn-units/nspawn-units-helper",
                .directory = "/run/nspawn-units/tasks/web-1",
                .keeps_record = true,
        };
        _cleanup_plan_ UnitPlan *plan = NULL;
        _cleanup_error_ Error *error = NULL;
        int r = transient_plan(isolation_find("nspawn"), request,
                descriptors->raw ? &golden_root_raw : &golden_root, &host, &plan, &error);
        if (r >= 0)
                r = plan_append(plan, m, version, &error);
        cr_assert_eq(r < 0, error != NULL);
        if (r >= 0) {
                cr_assert_geq(sd_bus_message_seal(m, 1, 0), 0);
                cr_assert(sd_bus_message_has_signature(m, "ssa(sv)a(sa(sv))"));
                *ret = sd_bus_message_ref(m);
        }
        sd_bus_message_unref(m);
        sd_bus_close_unref(bus);
        return r;
}

/* Removes the numbers of descriptors from the text, because they depend on what else is open. */
static void hide_descriptors(char *text) {
        for (char *p = text; (p = strstr(p, "UNIX_FD "));) {
                char *number = p + strlen("UNIX_FD "), *rest = number + strspn(number, "0123456789");

                *number++ = '*';
                memmove(number, rest, strlen(rest) + 1);
                p = number;
        }
}

/* Return: the dump, owned by the caller. */
static char *dump(unsigned version, const TaskRequest *request, const Descriptors *descriptors) {
        sd_bus_message *m = NULL;
        char *text = NULL;
        size_t n = 0;

        cr_assert_eq(build(version, request, descriptors, &m), 0);
        FILE *f = open_memstream(&text, &n);
        cr_assert_not_null(f);
        cr_assert_geq(sd_bus_message_dump(m, f, 0), 0);
        cr_assert_eq(fclose(f), 0);
        sd_bus_message_unref(m);
        hide_descriptors(text);
        cr_assert_null(strstr(text, GOLDEN_SECRET));
        return text;
}

static const Descriptors journal = { -1, -1 };

static void expect_golden(
        const char *name, unsigned version, TaskRequest *request, const Descriptors *descriptors) {
        _cleanup_free_ char *text = dump(version, request, descriptors);

        golden_compare(name, text);
        task_request_free(request);
}

Test(transient, boot_with_252) {
        expect_golden("boot-252.message", 252, golden_request(), &journal);
}

Test(transient, boot_with_255) {
        expect_golden("boot-255.message", 255, golden_request(), &journal);
}

Test(transient, everything_with_252) {
        expect_golden("everything-252.message", 252, golden_request_everything(), &(Descriptors){ 0, 0 });
}

Test(transient, everything_with_255) {
        expect_golden("everything-255.message", 255, golden_request_everything(), &(Descriptors){ 0, 0 });
}

Test(transient, network_namespace_with_a_directory) {
        expect_golden("namespace-directory-252.message", 252, golden_request_namespace(), &journal);
}

Test(transient, network_namespace_with_a_file_system_image) {
        expect_golden("namespace-raw-252.message", 252, golden_request_namespace(),
                &(Descriptors){ -1, -1, .raw = true });
}

Test(transient, properties_wait_for_the_systemd_that_knows_them) {
        _cleanup_task_request_ TaskRequest *request = golden_request();
        _cleanup_free_ char *old = dump(253, request, &journal), *new = dump(254, request, &journal);

        cr_assert_null(strstr(old, "DelegateSubgroup"));
        cr_assert_not_null(strstr(new, "DelegateSubgroup"));
}

/* ---- single properties ---- */

/* Enters the value of a property in the message. Return: whether the message has the property. */
static bool enter_property(sd_bus_message *m, const char *name, const char *signature) {
        const char *found;

        cr_assert_geq(sd_bus_message_rewind(m, true), 0);
        cr_assert_geq(sd_bus_message_skip(m, "ss"), 0);
        cr_assert_gt(sd_bus_message_enter_container(m, 'a', "(sv)"), 0);
        while (sd_bus_message_enter_container(m, 'r', "sv") > 0) {
                cr_assert_gt(sd_bus_message_read(m, "s", &found), 0);
                if (streq(found, name)) {
                        cr_assert_gt(sd_bus_message_enter_container(m, 'v', signature), 0, "%s", name);
                        return true;
                }
                cr_assert_geq(sd_bus_message_skip(m, "v"), 0);
                cr_assert_geq(sd_bus_message_exit_container(m), 0);
        }
        return false;
}

/* Return: whether the property has this value. */
static bool has_text(const TaskRequest *request, const char *name, const char *wanted) {
        const char *text = NULL;
        sd_bus_message *m = NULL;

        cr_assert_eq(build(252, request, &journal, &m), 0);
        if (enter_property(m, name, "s"))
                cr_assert_gt(sd_bus_message_read(m, "s", &text), 0);
        bool has = streq_null(text, wanted);
        sd_bus_message_unref(m);
        return has;
}

/* Return: the value of the property, 0 without it. */
static uint64_t number_of(const TaskRequest *request, const char *name) {
        sd_bus_message *m = NULL;
        uint64_t number = 0;

        cr_assert_eq(build(252, request, &journal, &m), 0);
        if (enter_property(m, name, "t"))
                cr_assert_gt(sd_bus_message_read(m, "t", &number), 0);
        sd_bus_message_unref(m);
        return number;
}

Test(transient, memory_is_passed_on_in_bytes) {
        _cleanup_task_request_ TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;

        cr_assert_eq(number_of(request, "MemoryMax"), 0, "not set");
        cr_assert_eq(number_of(request, "MemoryLow"), 0);
        spec->memory_max = 300 * UINT64_C(1048576);
        cr_assert_eq(number_of(request, "MemoryMax"), 314572800);
        cr_assert_eq(number_of(request, "MemoryLow"), 0);
        spec->memory_max = UINT64_MAX;
        spec->memory_low = 5;
        cr_assert_eq(number_of(request, "MemoryMax"), UINT64_MAX);
        cr_assert_eq(number_of(request, "MemoryLow"), 5);
}

Test(transient, shares_become_a_weight_within_bounds) {
        static const struct {
                uint64_t shares, weight;
        } rows[] = {
                { 0, 0 },
                { 1, 1 },
                { 2, 1 },
                { 11, 1 },
                { 512, 50 },
                { 1024, 100 },
                { 1025, 100 },
                { 2048, 200 },
                { 102389, 9998 },
                { 102400, 10000 },
                { 102401, 10000 },
                { UINT64_MAX, 10000 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_task_request_ TaskRequest *request = golden_request();
                TaskSpec *spec = &request->spec;

                spec->cpu_shares = rows[i].shares;
                cr_assert_eq(number_of(request, "CPUWeight"), rows[i].weight, "%zu", i);
        }
}

Test(transient, processors_become_a_mask_lowest_byte_first) {
        static const uint8_t wanted[] = { 0x01, 0x82, 0x00, 0x01 };
        _cleanup_task_request_ TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;
        sd_bus_message *m = NULL;
        const void *bytes;
        size_t n;

        spec->cpus = xstrdup("0,24,9,15");
        cr_assert_eq(build(252, request, &journal, &m), 0);
        cr_assert(enter_property(m, "AllowedCPUs", "ay"));
        cr_assert_gt(sd_bus_message_read_array(m, 'y', &bytes, &n), 0);
        cr_assert_eq(n, sizeof(wanted));
        cr_assert_eq(memcmp(bytes, wanted, n), 0);
        sd_bus_message_unref(m);
}

Test(transient, a_bad_list_of_processors_makes_no_message) {
        _cleanup_task_request_ TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;

        spec->cpus = xstrdup("5-");
        cr_assert_eq(build(252, request, &journal, NULL), -EINVAL);
}

Test(transient, a_copy_of_an_image_may_take_as_long_as_it_likes) {
        _cleanup_task_request_ TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;

        cr_assert_eq(number_of(request, "TimeoutStartUSec"), 90 * USEC_PER_SEC);
        spec->ephemeral = true;
        cr_assert_eq(number_of(request, "TimeoutStartUSec"), UINT64_MAX);
}

/* systemd before 253 does not read them back when it reloads its units. */
Test(transient, no_command_is_given_in_a_way_that_a_reload_forgets) {
        _cleanup_task_request_ TaskRequest *request = golden_request_everything();

        for (unsigned version = 252; version < 264; version++) {
                _cleanup_free_ char *text = dump(version, request, &(Descriptors){ 0, 0, .kept = true });

                cr_assert_null(strstr(text, "Ex\""));
                cr_assert_null(strstr(text, "echo"), "words of the job");
        }
}

/* ---- restarts ---- */

/* Return: whether the unit has the property. */
static bool has_property(const TaskRequest *request, const char *name, const char *signature) {
        sd_bus_message *m = NULL;

        cr_assert_eq(build(252, request, &journal, &m), 0);
        bool has = enter_property(m, name, signature);
        sd_bus_message_unref(m);
        return has;
}

/* Return: the value of the property, 0 without it. */
static uint32_t count_of(const TaskRequest *request, const char *name) {
        sd_bus_message *m = NULL;
        uint32_t count = 0;

        cr_assert_eq(build(252, request, &journal, &m), 0);
        if (enter_property(m, name, "u"))
                cr_assert_gt(sd_bus_message_read(m, "u", &count), 0);
        sd_bus_message_unref(m);
        return count;
}

static uint32_t burst_of(const TaskRequest *request) {
        return count_of(request, "StartLimitBurst");
}

Test(transient, without_a_policy_nothing_is_said_of_restarts) {
        _cleanup_task_request_ TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;

        for (size_t i = 0; i < 2; i++) {
                cr_assert_not(has_property(request, "Restart", "s"));
                cr_assert_not(has_property(request, "RestartUSec", "t"));
                cr_assert_not(has_property(request, "StartLimitIntervalUSec", "t"));
                cr_assert(has_property(request, "RestartForceExitStatus", "(aiai)"), "it boots");
                cr_assert(has_property(request, "ExecCondition", "a(sasb)"), "it boots");
                spec->restart.policy = i == 0 ? RESTART_NO : RESTART_ALWAYS;
        }
        cr_assert(has_property(request, "Restart", "s"));
        cr_assert(has_property(request, "RestartForceExitStatus", "(aiai)"), "it boots still");
        request->launch = TASK_LAUNCH_SUPERVISE;
        cr_assert(has_property(request, "ExecCondition", "a(sasb)"));
        spec->restart.policy = RESTART_NO;
        cr_assert_not(has_property(request, "ExecCondition", "a(sasb)"));
}

Test(transient, restarts_without_a_limit_have_none_of_systemds_either) {
        _cleanup_task_request_ TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;

        spec->restart.policy = RESTART_ALWAYS;
        cr_assert(has_text(request, "Restart", "always"));
        cr_assert_eq(number_of(request, "RestartUSec"), 100 * USEC_PER_MSEC);
        cr_assert(has_property(request, "StartLimitIntervalUSec", "t"));
        cr_assert_eq(number_of(request, "StartLimitIntervalUSec"), 0);
        cr_assert_eq(burst_of(request), 0, "not set");
}

Test(transient, the_first_start_is_no_restart) {
        _cleanup_task_request_ TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;

        spec->restart.policy = RESTART_ON_SUCCESS;
        spec->restart.delay_usec = 7 * USEC_PER_SEC;
        spec->restart.max_attempts = 1;
        cr_assert(has_text(request, "Restart", "on-success"));
        cr_assert_eq(number_of(request, "RestartUSec"), 7 * USEC_PER_SEC);
        cr_assert_eq(burst_of(request), 2);
        cr_assert_eq(number_of(request, "StartLimitIntervalUSec"), UINT64_MAX, "the task's whole life");
        spec->restart.max_attempts = UINT32_MAX - 1;
        spec->restart.interval_usec = 60 * USEC_PER_SEC;
        cr_assert_eq(burst_of(request), UINT32_MAX);
        cr_assert_eq(number_of(request, "StartLimitIntervalUSec"), 60 * USEC_PER_SEC);
}

Test(transient, what_follows_a_lack_of_memory_is_always_said) {
        _cleanup_task_request_ TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;

        cr_assert(has_text(request, "OOMPolicy", "continue"));
        spec->oom_policy = OOM_STOP;
        cr_assert(has_text(request, "OOMPolicy", "stop"));
}

/* ---- streams ---- */

/* With a limit of 0 the one of journald.conf would be used. */
Test(transient, the_log_has_no_limit_unless_one_is_given) {
        _cleanup_task_request_ TaskRequest *request = golden_request();
        TaskSpec *spec = &request->spec;

        cr_assert_eq(number_of(request, "LogRateLimitIntervalUSec"), 1);
        cr_assert_eq(count_of(request, "LogRateLimitBurst"), 1000000);
        spec->log_rate_limit.burst = 7;
        cr_assert_eq(number_of(request, "LogRateLimitIntervalUSec"), 30 * USEC_PER_SEC);
        cr_assert_eq(count_of(request, "LogRateLimitBurst"), 7);
        spec->log_rate_limit.interval_usec = 5;
        cr_assert_eq(number_of(request, "LogRateLimitIntervalUSec"), 5);
}

static void expect_descriptor(sd_bus_message *m, const char *name, int fd) {
        struct stat wanted, got;
        int found;

        cr_assert_eq(enter_property(m, name, "h"), fd >= 0, "%s", name);
        if (fd < 0)
                return;
        cr_assert_gt(sd_bus_message_read(m, "h", &found), 0);
        cr_assert_eq(fstat(fd, &wanted), 0);
        cr_assert_eq(fstat(found, &got), 0);
        cr_assert_eq(wanted.st_ino, got.st_ino, "%s", name);
}

Test(transient, stdout_and_the_socket_for_our_init_are_handed_on) {
        for (int i = 0; i < 4; i++) {
                _cleanup_task_request_ TaskRequest *request = golden_request();
                const Descriptors descriptors = { i & 1 ? 0 : -1, i & 2 ? 0 : -1 };
                sd_bus_message *m = NULL;

                golden_command(request);
                cr_assert_eq(build(252, request, &descriptors, &m), 0);
                expect_descriptor(m, "StandardOutputFileDescriptor", descriptors.output);
                expect_descriptor(m, "StandardInputFileDescriptor", descriptors.fd_message);
                expect_descriptor(m, "StandardErrorFileDescriptor", -1);
                sd_bus_message_unref(m);
        }
}

static void expect_outputs(const Descriptors *streams, const char *output) {
        _cleanup_task_request_ TaskRequest *request = golden_request_off();
        sd_bus_message *m = NULL;
        const char *text;

        cr_assert_eq(build(252, request, streams, &m), 0);
        cr_assert(enter_property(m, "StandardOutput", "s"));
        cr_assert_gt(sd_bus_message_read(m, "s", &text), 0);
        cr_assert_str_eq(text, output);
        cr_assert(enter_property(m, "StandardError", "s"));
        cr_assert_gt(sd_bus_message_read(m, "s", &text), 0);
        cr_assert_str_eq(text, "journal");
        sd_bus_message_unref(m);
}

Test(transient, what_nobody_collects_is_the_journals_whatever_systemds_default_is) {
        int fd = STDIN_FILENO;

        expect_outputs(&journal, "journal");
        expect_outputs(&(Descriptors){ -1, fd }, "journal");
        expect_outputs(&(Descriptors){ fd, -1 }, "null");
        expect_outputs(&(Descriptors){ fd, fd }, "null");
}

Test(transient, lines_in_the_journal_are_marked_with_the_tasks_name) {
        _cleanup_task_request_ TaskRequest *request = golden_request();

        cr_assert(has_text(request, "SyslogIdentifier", "web"));
        string_replace(&request->identity.name, NULL);
        cr_assert(has_text(request, "SyslogIdentifier", "web-1"));
}

/* systemd writes the identifier and the description into a unit file as they are. */
Test(transient, a_name_cannot_add_a_setting_to_the_unit) {
        _cleanup_task_request_ TaskRequest *request = golden_request();

        string_replace(&request->identity.name, "a\nExecStopPost=/bin/x\r\\");
        string_replace(&request->identity.description, "b\n[Service]\nExecStopPost=/bin/x \\");
        cr_assert(has_text(request, "SyslogIdentifier", "a ExecStopPost=/bin/x"));
        cr_assert(has_text(request, "Description", "b [Service] ExecStopPost=/bin/x"));
        string_replace(&request->identity.name, "  a b ");
        string_replace(&request->identity.description, " \n ");
        cr_assert(has_text(request, "SyslogIdentifier", "a b"));
        cr_assert(has_text(request, "Description", ""));
}

Test(transient, descriptors_that_systemd_forgets_are_kept_by_the_helper) {
        expect_golden("kept-252.message", 252, golden_request(), &(Descriptors){ 0, 0, .kept = true });
        cr_assert(fd_message_is_lost(252));
        cr_assert(fd_message_is_lost(253));
        cr_assert_not(fd_message_is_lost(254));
}
