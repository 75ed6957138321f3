/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/error.h"
#include "base/string.h"
#include "box/golden.h"
#include "unit/plan.h"
#include "unit/transient.h"
#include "unit/unit-file.h"

TestSuite(plan, .timeout = 30);

static char *print(const UnitPlan *plan, unsigned version) {
        _cleanup_error_ Error *error = NULL;
        char *text = NULL;

        cr_assert_eq(plan_to_unit_file(plan, version, &text, &error), 0, "%s", error_message(error));
        return text;
}

/* Return: a call on a connection without a peer that answers. */
static sd_bus_message *new_call(void) {
        sd_bus *bus = NULL;
        sd_bus_message *m = NULL;
        int fds[2];

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        cr_assert_geq(sd_bus_new(&bus), 0);
        cr_assert_geq(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        cr_assert_geq(sd_bus_start(bus), 0);
        cr_assert_geq(sd_bus_message_new_method_call(bus, &m, "a.b", "/", "a.b", "StartTransientUnit"), 0);
        close(fds[1]);
        sd_bus_close_unref(bus);
        return m;
}

Test(plan, a_wanted_property_is_left_out_where_systemd_does_not_know_it) {
        _cleanup_plan_ UnitPlan *plan = plan_new("a.service");

        plan_set_text(plan, "DelegateSubgroup", "supervisor");
        _cleanup_free_ char *old = print(plan, 253), *new = print(plan, 254);
        cr_expect_str_eq(old, "# a.service\n[Unit]\n\n[Service]\n");
        cr_expect_str_eq(new, "# a.service\n[Unit]\n\n[Service]\nDelegateSubgroup=supervisor\n");
}

Test(plan, a_required_property_is_refused_where_systemd_does_not_know_it) {
        static const char wanted[] =
                "subgroup needs systemd 254 or newer (DelegateSubgroup=), and this host has 253";
        _cleanup_error_ Error *call_error = NULL, *file_error = NULL;
        _cleanup_plan_ UnitPlan *plan = plan_new("a.service");
        _cleanup_free_ char *text = NULL;
        sd_bus_message *m = new_call(), *known = new_call();

        plan_require(plan_set_text(plan, "DelegateSubgroup", "supervisor"), "subgroup");
        cr_expect_eq(plan_append(plan, m, 253, &call_error), -ENOTSUP);
        cr_expect_str_eq(error_message(call_error), wanted);
        cr_expect_eq(plan_to_unit_file(plan, 253, &text, &file_error), -ENOTSUP);
        cr_expect_str_eq(error_message(file_error), wanted);
        cr_expect_eq(plan_append(plan, known, 254, NULL), 0);
        sd_bus_message_unref(m);
        sd_bus_message_unref(known);
}

Test(plan, properties_stand_in_one_order_whoever_adds_first) {
        _cleanup_plan_ UnitPlan *plan = plan_new("a.service");

        plan_add_word(plan, "Environment", "A=1");
        plan_set_text(plan, "KillMode", "mixed");
        plan_add_word(plan, "Environment", "B=2");
        plan_set_text(plan, "Type", "notify");
        _cleanup_free_ char *text = print(plan, 252);
        cr_expect_str_eq(text,
                "# a.service\n[Unit]\n\n[Service]\n"
                "Type=notify\nKillMode=mixed\nEnvironment=A=1\nEnvironment=B=2\n");
}

Test(plan, devices_are_as_many_as_were_allowed) {
        _cleanup_plan_ UnitPlan *plan = plan_new("a.service");

        plan_allow_device(plan, "/dev/fuse", "rw");
        plan_allow_device(plan, "char-*", "m");
        plan_allow_device(plan, "/dev/my disk", "r");
        _cleanup_free_ char *text = print(plan, 252);
        cr_expect_str_eq(text,
                "# a.service\n[Unit]\n\n[Service]\n"
                "DeviceAllow=/dev/fuse rw\nDeviceAllow=char-* m\nDeviceAllow=\"/dev/my disk\" r\n");
}

Test(plan, numbers_are_written_as_systemd_reads_them) {
        static const uint8_t processors[] = { 0x2f, 0x02, 0x00, 0xc0, 0x01 };
        static const struct {
                const char *name;
                uint64_t value;
                const char *line;
        } rows[] = {
                { "TimeoutStopUSec", 90 * USEC_PER_SEC, "TimeoutStopSec=90s" },
                { "TimeoutStopUSec", 1500 * USEC_PER_MSEC, "TimeoutStopSec=1500ms" },
                { "TimeoutStopUSec", 1, "TimeoutStopSec=1us" },
                { "TimeoutStopUSec", 0, "TimeoutStopSec=0" },
                { "TimeoutStopUSec", UINT64_MAX, "TimeoutStopSec=infinity" },
                { "MemoryMax", 4096, "MemoryMax=4096" },
                { "MemoryMax", UINT64_MAX, "MemoryMax=infinity" },
                { "RuntimeDirectoryMode", 0700, "RuntimeDirectoryMode=0700" },
                { "SuccessExitStatus", 133, "SuccessExitStatus=133" },
                { "Delegate", 1, "Delegate=yes" },
                { "Delegate", 0, "Delegate=no" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_plan_ UnitPlan *plan = plan_new("a.service");

                plan_set_number(plan, rows[i].name, rows[i].value);
                _cleanup_free_ char *text = print(plan, 252);
                _cleanup_free_ char *wanted = xasprintf(
                        "# a.service\n[Unit]\n\n[Service]\n%s\n", rows[i].line);
                cr_expect_str_eq(text, wanted);
        }

        _cleanup_plan_ UnitPlan *plan = plan_new("a.service");
        plan_set_bytes(plan, "AllowedCPUs", processors, sizeof(processors));
        _cleanup_free_ char *text = print(plan, 252);
        cr_expect_not_null(strstr(text, "\nAllowedCPUs=0-3 5 9 30-32\n"), "%s", text);
}

/* systemd.syntax(7), systemd.unit(5) "Specifiers", systemd.service(5) "Command lines". */
Test(plan, words_are_quoted_as_systemd_reads_them) {
        static const struct {
                const char *word, *plain, *argument;
        } rows[] = {
                { "a", "a", "a" },
                { "/a/b-c_d.e:f=g@h,i+1", "/a/b-c_d.e:f=g@h,i+1", "/a/b-c_d.e:f=g@h,i+1" },
                { "", "\"\"", "\"\"" },
                { "a b", "\"a b\"", "\"a b\"" },
                { "100%", "\"100%%\"", "\"100%%\"" },
                { "$HOME", "\"$HOME\"", "\"$$HOME\"" },
                { "a\"b'c\\d", "\"a\\\"b'c\\\\d\"", "\"a\\\"b'c\\\\d\"" },
                { "a\nb\tc", "\"a\\x0ab\\x09c\"", "\"a\\x0ab\\x09c\"" },
                { ";", "\";\"", "\";\"" },
                { "#a", "\"#a\"", "\"#a\"" },
                { "\xc3\xa9", "\"\xc3\xa9\"", "\"\xc3\xa9\"" },
                { "\xff\xc3\xa9", "\"\\xff\\xc3\\xa9\"", "\"\\xff\\xc3\\xa9\"" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_string_buffer_ StringBuffer plain = {}, argument = {};

                unit_file_append_word(&plain, rows[i].word, UNIT_FILE_PLAIN);
                unit_file_append_word(&argument, rows[i].word, UNIT_FILE_ARGUMENT);
                cr_expect_str_eq(plain.text, rows[i].plain, "row %zu", i);
                cr_expect_str_eq(argument.text, rows[i].argument, "row %zu", i);
        }
}

Test(plan, the_path_of_a_program_keeps_its_dollar) {
        char *args[] = { (char[]){ "/opt/$x/a" }, (char[]){ "$1" }, NULL };
        _cleanup_plan_ UnitPlan *plan = plan_new("a.service");

        plan_add_command(plan, "ExecStopPost", args, true);
        _cleanup_free_ char *text = print(plan, 252);
        cr_expect_not_null(strstr(text, "\nExecStopPost=-\"/opt/$x/a\" \"$$1\"\n"), "%s", text);
}

Test(plan, a_text_is_a_line_without_specifiers) {
        _cleanup_plan_ UnitPlan *plan = plan_new("a.service");

        plan_set_line(plan, "Description", " 5% \"of\"\nall \\");
        _cleanup_free_ char *text = print(plan, 252);
        cr_expect_str_eq(text, "# a.service\n[Unit]\nDescription=5%% \"of\" all\n\n[Service]\n");
}

Test(plan, a_text_that_no_unit_file_can_hold_is_refused) {
        static const char *const texts[] = { "/a\n[Service]", " /a", "/a ", "/a\\" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_plan_ UnitPlan *plan = plan_new("a.service");
                _cleanup_error_ Error *error = NULL;
                _cleanup_free_ char *text = NULL;

                plan_set_text(plan, "NetworkNamespacePath", texts[i]);
                cr_expect_eq(plan_to_unit_file(plan, 252, &text, &error), -EINVAL, "%s", texts[i]);
                cr_expect_not_null(
                        strstr(error_message(error), "NetworkNamespacePath=: a unit file cannot"));
        }
}

Test(plan, what_only_the_bus_can_say_is_a_comment_or_nothing) {
        _cleanup_plan_ UnitPlan *plan = plan_new("a.service");

        plan_set_flag(plan, "AddRef", true);
        plan_set_fd(plan, "StandardInputFileDescriptor", 0);
        _cleanup_free_ char *text = print(plan, 252);
        cr_expect_str_eq(text,
                "# a.service\n[Unit]\n\n[Service]\n"
                "# StandardInputFileDescriptor= is set when the unit is started\n");
}

/* ---- whole tasks ---- */

static void expect_golden(
        const char *name, unsigned version, TaskRequest *request, const Root *root, int fd) {
        const UnitHost host = {
                .register_machine = true,
                .descriptors = { .output = fd, .message = fd },
                .helper = "/usr/lib/nspawn-units/nspawn-units-helper",
                .directory = "/run/nspawn-units/tasks/web-1",
                .keeps_record = true,
        };
        _cleanup_plan_ UnitPlan *plan = NULL;

        cr_assert_eq(transient_plan(isolation_find("nspawn"), request, root, &host, &plan, NULL), 0);
        _cleanup_free_ char *text = print(plan, version);
        cr_expect_null(strstr(text, GOLDEN_SECRET));
        golden_compare(name, text);
        task_request_free(request);
}

Test(plan, a_booted_task_as_a_unit_file) {
        expect_golden("boot-252.service", 252, golden_request(), &golden_root, -1);
}

Test(plan, a_task_with_everything_as_a_unit_file) {
        expect_golden("everything-255.service", 255, golden_request_everything(), &golden_root, 0);
}

Test(plan, a_task_in_a_network_namespace_as_a_unit_file) {
        expect_golden("namespace-raw-252.service", 252, golden_request_namespace(), &golden_root_raw, -1);
}
