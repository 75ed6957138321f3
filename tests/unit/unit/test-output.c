/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>

#include "base/string.h"
#include "box/fake-systemd.h"
#include "unit/output.h"

TestSuite(output, .timeout = 60);

typedef struct Box {
        sd_event *event;
        FakeSystemd *fake;
        SystemBus *system_bus;
        OutputQuery *query;
        bool ready;
        unsigned n_done;
        OutputPlace place;
        char *words;
} Box;

static void on_changed(void *userdata, const Error *error) {
        ((Box *) userdata)->ready = !error;
}

static void on_done(void *userdata, OutputPlace place, const Error *error) {
        Box *box = userdata;

        box->n_done++;
        box->place = place;
        string_replace(&box->words, error ? error->message : NULL);
}

static void box_open(Box *box) {
        *box = (Box){};
        cr_assert_geq(sd_event_new(&box->event), 0);
        box->fake = fake_systemd_new(box->event);
        box->system_bus = system_bus_new(box->event, box->fake->address, on_changed, box);
        RUN_UNTIL(box->event, box->ready);
}

static void box_close(Box *box) {
        output_query_free(box->query);
        system_bus_free(box->system_bus);
        fake_systemd_free(box->fake);
        sd_event_unref(box->event);
        free(box->words);
}
#define _cleanup_box_ _cleanup_(box_close)

Test(output, the_place_is_where_the_unit_says) {
        static const struct {
                const char *output, *console, *command;
                OutputPlace place;
        } rows[] = {
                { "journal", "--console=pipe", NULL, OUTPUT_JOURNAL },
                { "journal", "--console=read-only", NULL, OUTPUT_JOURNAL_BY_NSPAWN },
                { "journal", "--read-only", NULL, OUTPUT_JOURNAL_BY_NSPAWN },
                { "journal", "--quiet", "--console=pipe", OUTPUT_JOURNAL_BY_NSPAWN },
                { "null", "--console=pipe", NULL, OUTPUT_ELSEWHERE },
                { "null", "--console=read-only", NULL, OUTPUT_ELSEWHERE },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_box_ Box box;

                box_open(&box);
                FakeUnit *unit = fake_unit_add(box.fake, "nspawn-a.service", "active");
                unit->output = rows[i].output;
                unit->console = rows[i].console;
                unit->command = rows[i].command;
                box.query = output_query_new(
                        box.system_bus, "nspawn-a.service", "/no/such/file", on_done, &box);
                cr_assert_not_null(box.query);
                cr_assert_eq(box.n_done, 0, "a callback from within the call");
                RUN_UNTIL(box.event, box.n_done > 0);
                cr_expect_null(box.words, "%s", box.words);
                cr_expect_eq(box.place, rows[i].place, "%zu: %d", i, box.place);
        }
}

Test(output, may_be_asked_for_in_vain) {
        _cleanup_box_ Box box;

        box_open(&box);
        box.fake->ignore = "GetAll";
        box.query = output_query_new(box.system_bus, "nspawn-a.service", "/no/such/file", on_done, &box);
        fake_systemd_settle(box.fake, system_bus_connection(box.system_bus));
        box.query = output_query_free(box.query);

        box.query = output_query_new(box.system_bus, "nspawn-a.service", "/no/such/file", on_done, &box);
        fake_systemd_drop(box.fake);
        RUN_UNTIL(box.event, !box.ready);
        cr_expect_eq(box.n_done, 1);
        cr_assert_not_null(box.words);
        cr_expect_not_null(strstr(box.words, "does not tell where the output goes"), "%s", box.words);
        box.query = output_query_free(box.query);
        cr_expect_null(output_query_new(box.system_bus, "nspawn-a.service", "/no/such/file", on_done, &box));
}
