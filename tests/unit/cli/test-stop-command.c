/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "box/cli-box.h"

TestSuite(stop_command, .timeout = 60);

static int stop(CliBox *box, const char *more) {
        _cleanup_free_ char *text = xasprintf("stop|%s|%s", box->machine, more);

        return cli_box_run(box, text);
}

Test(stop_command, a_task_is_stopped_by_its_name_and_its_units) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        fake_unit_add(box.fake, "nspawn-other-unit-test.service", "active");
        cr_expect_eq(stop(&box, "nspawn-other-unit-test.service|"), 0);
        cr_expect_str_eq(box.message, "");
        cr_expect_str_eq(box.shown, "");
        _cleanup_free_ char *call = xasprintf("StopUnit %s", box.unit);
        cr_expect_eq(fake_systemd_count(box.fake, call), 1);
        cr_expect_eq(fake_systemd_count(box.fake, "StopUnit nspawn-other-unit-test.service"), 1);
}

Test(stop_command, one_that_cannot_be_stopped_keeps_no_other_from_it) {
        _cleanup_cli_box_ CliBox box;

        cli_box_open(&box);
        cli_box_add_task(&box);
        cr_expect_eq(stop(&box, "no-such-unit-test|"), EXIT_OWN_FAILURE);
        cr_expect_neq(*box.message, 0);
        _cleanup_free_ char *call = xasprintf("StopUnit %s", box.unit);
        cr_expect_eq(fake_systemd_count(box.fake, call), 1);
}

/* The call that gets no answer: the connection is lost as soon as it was made. */
static const char *lost_call;

static int after_each_event(sd_event_source *source, void *userdata) {
        CliBox *box = userdata;

        /* The first Get is the one of the bus connection, for the version of systemd. */
        if (fake_systemd_count(box->fake, "Get org.freedesktop.systemd1.Manager") > 0)
                box->fake->ignore = streq(lost_call, "StopUnit") ? "StopUnit" : "Get";
        if (fake_systemd_count(box->fake, lost_call) == 0)
                return 0;
        fake_systemd_drop(box->fake);
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

/* The sanitizers fail this test if a thaw or a job is not freed. */
Test(stop_command, a_connection_that_is_lost_ends_the_stop_wherever_it_is) {
        static const char *const calls[] = { "Get org.freedesktop.systemd1.Service", "StopUnit" };

        for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
                _cleanup_cli_box_ CliBox box;
                sd_event_source *source;

                cli_box_open(&box);
                cli_box_add_task(&box);
                lost_call = calls[i];
                cr_assert_geq(sd_event_add_post(box.event, &source, after_each_event, &box), 0);
                cr_expect_eq(stop(&box, ""), EXIT_OWN_FAILURE, "%s", calls[i]);
                cr_expect_not_null(strstr(box.message, "nspawnctl: "), "%s", box.message);
                cr_expect_eq(fake_systemd_count(box.fake, calls[i]), 1);
                sd_event_source_unref(source);
        }
}
