/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "base/string.h"
#include "box/fake-systemd.h"
#include "bus/job.h"
#include "bus/machined.h"
#include "bus/system-bus.h"

TestSuite(system_bus, .timeout = 60);

typedef struct Box {
        sd_event *event;
        FakeSystemd *fake;
        SystemBus *system_bus;
        unsigned n_ready, n_lost;
        char *lost_words;
        unsigned n_done;
        char *result;
        char *error_name;
        char *error_words;
} Box;

static void on_changed(void *userdata, const Error *error) {
        Box *box = userdata;

        if (error)
                box->n_lost++;
        else
                box->n_ready++;
        if (error)
                string_replace(&box->lost_words, error->message);
}

static void on_done(void *userdata, const char *result, const sd_bus_error *error) {
        Box *box = userdata;

        cr_assert((result == NULL) != (error == NULL));
        box->n_done++;
        string_replace(&box->result, result);
        string_replace(&box->error_name, error ? error->name : NULL);
        string_replace(&box->error_words, error ? error->message : NULL);
}

/* Opens the box without waiting for the connection. */
static void box_prepare(Box *box) {
        *box = (Box){};
        cr_assert_geq(sd_event_new(&box->event), 0);
        box->fake = fake_systemd_new(box->event);
        box->system_bus = system_bus_new(box->event, box->fake->address, on_changed, box);
        cr_assert_not_null(box->system_bus);
        cr_assert_eq(box->n_ready + box->n_lost, 0, "a callback from within the call");
}

static void box_open(Box *box) {
        box_prepare(box);
        RUN_UNTIL(box->event, box->n_ready > 0);
}

static void box_close(Box *box) {
        system_bus_free(box->system_bus);
        fake_systemd_free(box->fake);
        sd_event_unref(box->event);
        free(box->lost_words);
        free(box->result);
        free(box->error_name);
        free(box->error_words);
}
#define _cleanup_box_ _cleanup_(box_close)

static Job *ask(Box *box, const char *method, const char *unit) {
        _cleanup_error_ Error *error = NULL;
        sd_bus_message *m = NULL;

        cr_assert_geq(system_bus_new_call(box->system_bus, method, &m), 0);
        cr_assert_geq(sd_bus_message_append(m, "ss", unit, "fail"), 0);
        Job *job = job_new(box->system_bus, m, on_done, box, &error);
        sd_bus_message_unref(m);
        cr_assert_not_null(job, "%s", error_message(error));
        cr_assert_eq(box->n_done, 0);
        return job;
}

Test(system_bus, is_ready_once_subscribed_and_the_version_is_known) {
        _cleanup_box_ Box box;

        box_prepare(&box);
        cr_assert_not(system_bus_is_ready(box.system_bus));
        cr_assert_eq(system_bus_version(box.system_bus), 0);
        RUN_UNTIL(box.event, box.n_ready > 0);
        cr_assert(system_bus_is_ready(box.system_bus));
        cr_assert_eq(system_bus_version(box.system_bus), 252);
        cr_assert_eq(system_bus_event(box.system_bus), box.event);
        cr_assert_not_null(system_bus_connection(box.system_bus));
        cr_assert_eq(fake_systemd_count(box.fake, "Subscribe"), 1);
        cr_assert(system_bus_has_machined(box.system_bus), "the bus could start it");
}

Test(system_bus, reads_versions_with_letters_around) {
        static const struct {
                const char *text;
                unsigned version;
        } rows[] = { { "v257-1", 257 }, { "255 (255.4-1ubuntu8)", 255 }, { "256~rc2", 256 } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_box_ Box box;

                box_prepare(&box);
                box.fake->version = rows[i].text;
                RUN_UNTIL(box.event, box.n_ready > 0);
                cr_assert_eq(system_bus_version(box.system_bus), rows[i].version, "%s", rows[i].text);
        }
}

/* With version 0 newer properties would be left out, and nspawn would get options of the newest version. */
Test(system_bus, a_connection_without_a_version_has_failed) {
        static const char *const versions[] = { "none", "", "0", "v" };

        for (size_t i = 0; i < ELEMENTSOF(versions); i++) {
                _cleanup_box_ Box box;

                box_prepare(&box);
                box.fake->version = versions[i];
                RUN_UNTIL(box.event, box.n_lost >= 2);
                cr_assert_eq(box.n_ready, 0, "\"%s\"", versions[i]);
                cr_assert_not_null(strstr(box.lost_words, "cannot be read"), "%s", box.lost_words);
                box.fake->version = "252";
                RUN_UNTIL(box.event, box.n_ready > 0);
        }
}

Test(system_bus, is_not_ready_until_systemd_answers) {
        _cleanup_box_ Box box;

        box_prepare(&box);
        box.fake->ignore = "Subscribe";
        RUN_UNTIL(box.event, fake_systemd_count(box.fake, "Get ") > 0);
        fake_systemd_settle(box.fake, system_bus_connection(box.system_bus));
        cr_assert_not(system_bus_is_ready(box.system_bus));
        cr_assert_eq(system_bus_send(box.system_bus, "RefUnit", "s", "a.service"), -ENOTCONN);
        sd_bus_message *m = NULL;
        cr_assert_eq(system_bus_new_call(box.system_bus, "RefUnit", &m), -ENOTCONN);
        ImageQuery *query = NULL;
        cr_assert_eq(image_query_new(box.system_bus, "name", NULL, NULL, &query), -ENOTCONN);
        cr_assert_null(query);
}

Test(system_bus, keeps_trying_while_there_is_no_bus) {
        _cleanup_box_ Box box = {};

        box_prepare(&box);
        fake_systemd_drop(box.fake);
        RUN_UNTIL(box.event, box.n_lost >= 2);
        cr_assert_eq(box.n_ready, 0);
        cr_assert_not_null(strstr(box.lost_words, "system bus"), "%s", box.lost_words);
        fake_systemd_return(box.fake);
        RUN_UNTIL(box.event, box.n_ready > 0);
        cr_assert_eq(system_bus_version(box.system_bus), 252);
}

/* After seven attempts, pauses that double without a limit would be far too long. */
Test(system_bus, never_pauses_long_however_long_the_bus_is_away) {
        _cleanup_box_ Box box = {};

        box_prepare(&box);
        fake_systemd_drop(box.fake);
        RUN_UNTIL(box.event, box.n_lost >= 7);
        uint64_t begin = fake_now();
        RUN_UNTIL(box.event, box.n_lost >= 8);
        cr_assert_lt(fake_now() - begin, USEC_PER_SEC);
        fake_systemd_return(box.fake);
        RUN_UNTIL(box.event, box.n_ready > 0);
        cr_assert_lt(fake_now() - begin, 3 * USEC_PER_SEC);
}

Test(system_bus, an_address_nobody_understands_is_told) {
        _cleanup_box_ Box box = {};

        cr_assert_geq(sd_event_new(&box.event), 0);
        box.system_bus = system_bus_new(box.event, "nonsense:x=y", on_changed, &box);
        RUN_UNTIL(box.event, box.n_lost > 1);
        cr_assert_not(system_bus_is_ready(box.system_bus));
}

Test(system_bus, a_job_ends_with_its_result) {
        _cleanup_box_ Box box;

        box_open(&box);
        Job *job = ask(&box, "StartTransientUnit", "a.service");
        RUN_UNTIL(box.event, box.n_done > 0);
        cr_assert_str_eq(box.result, "done");
        job_free(job);
}

Test(system_bus, a_job_that_fails_tells_so) {
        _cleanup_box_ Box box;

        box_open(&box);
        box.fake->start = FAKE_START_FAIL;
        Job *job = ask(&box, "StartTransientUnit", "a.service");
        RUN_UNTIL(box.event, box.n_done > 0);
        cr_assert_str_eq(box.result, "failed");
        job_free(job);
}

Test(system_bus, a_call_that_is_refused_tells_why) {
        _cleanup_box_ Box box;

        box_open(&box);
        box.fake->start = FAKE_START_REFUSE;
        box.fake->refuse_name = "org.freedesktop.systemd1.UnitMasked";
        box.fake->refuse_words = "Unit is masked.";
        Job *job = ask(&box, "StartTransientUnit", "a.service");
        RUN_UNTIL(box.event, box.n_done > 0);
        cr_assert_str_eq(box.error_name, "org.freedesktop.systemd1.UnitMasked");
        cr_assert_str_eq(box.error_words, "Unit is masked.");
        job_free(job);
}

Test(system_bus, the_job_of_another_does_not_end_ours) {
        _cleanup_box_ Box box;

        box_open(&box);
        box.fake->start = FAKE_START_HANG;
        Job *job = ask(&box, "StartTransientUnit", "a.service");
        fake_systemd_settle(box.fake, system_bus_connection(box.system_bus));
        FakeUnit *other = fake_unit_add(box.fake, "b.service", "activating");
        other->job_id = 4711;
        fake_unit_up(box.fake, other);
        fake_systemd_settle(box.fake, system_bus_connection(box.system_bus));
        cr_assert_eq(box.n_done, 0);
        fake_unit_up(box.fake, fake_unit_find(box.fake, "a.service"));
        RUN_UNTIL(box.event, box.n_done > 0);
        cr_assert_str_eq(box.result, "done");
        job_free(job);
}

Test(system_bus, a_job_that_is_freed_is_not_told) {
        _cleanup_box_ Box box;

        box_open(&box);
        job_free(ask(&box, "StartTransientUnit", "a.service"));
        box.fake->start = FAKE_START_HANG;
        Job *job = ask(&box, "StartTransientUnit", "b.service");
        RUN_UNTIL(box.event, fake_unit_find(box.fake, "b.service"));
        fake_systemd_settle(box.fake, system_bus_connection(box.system_bus));
        cr_assert_null(job_free(job));
        fake_unit_up(box.fake, fake_unit_find(box.fake, "b.service"));
        fake_systemd_settle(box.fake, system_bus_connection(box.system_bus));
        cr_assert_eq(box.n_done, 0);
        cr_assert_eq(
                fake_systemd_count(box.fake, "StartTransientUnit"), 2, "the calls were made nevertheless");
}

static void expect_disconnected(FakeStart start) {
        _cleanup_box_ Box box;

        box_open(&box);
        box.fake->start = start;
        Job *job = ask(&box, "StartTransientUnit", "a.service");
        RUN_UNTIL(box.event, fake_systemd_count(box.fake, "StartTransientUnit") > 0);
        if (start == FAKE_START_HANG)
                fake_systemd_settle(box.fake, system_bus_connection(box.system_bus));
        fake_systemd_drop(box.fake);
        RUN_UNTIL(box.event, box.n_lost > 0);
        cr_assert_eq(box.n_done, 1);
        cr_assert_str_eq(box.error_name, SD_BUS_ERROR_DISCONNECTED);
        cr_assert_not(system_bus_is_ready(box.system_bus));
        cr_assert_null(system_bus_connection(box.system_bus));
        job_free(job);
}

Test(system_bus, a_lost_connection_ends_the_waiting_for_a_job) {
        expect_disconnected(FAKE_START_HANG);
}

Test(system_bus, a_lost_connection_ends_a_call_under_way_in_the_same_way) {
        expect_disconnected(FAKE_START_SILENT);
}

Test(system_bus, subscribes_again_on_a_new_connection) {
        _cleanup_box_ Box box;

        box_open(&box);
        fake_systemd_drop(box.fake);
        RUN_UNTIL(box.event, box.n_lost > 0);
        box.fake->version = "255.4";
        fake_systemd_return(box.fake);
        RUN_UNTIL(box.event, box.n_ready == 2);
        cr_assert_eq(fake_systemd_count(box.fake, "Subscribe"), 2);
        cr_assert_eq(system_bus_version(box.system_bus), 255, "systemd may be another one by now");
        Job *job = ask(&box, "StartTransientUnit", "a.service");
        RUN_UNTIL(box.event, box.n_done > 0);
        cr_assert_str_eq(box.result, "done");
        job_free(job);
}

Test(system_bus, what_was_sent_arrives_before_the_manager_is_gone) {
        _cleanup_box_ Box box;

        box_open(&box);
        cr_assert_eq(system_bus_send(box.system_bus, "KillUnit", "ssi", "a.service", "all", 15), 0);
        cr_assert_eq(system_bus_send(box.system_bus, "UnrefUnit", "s", "a.service"), 0);
        box.system_bus = system_bus_free(box.system_bus);
        RUN_UNTIL(box.event, fake_systemd_count(box.fake, "UnrefUnit a.service") > 0);
        cr_assert_eq(fake_systemd_count(box.fake, "KillUnit a.service all 15"), 1);
}

/* Sends messages until the socket takes no more. Return: how many. */
static size_t fill_socket(Box *box) {
        _cleanup_free_ char *name = xcalloc(4096, 1);
        uint64_t n_queued = 0;
        size_t n = 0;

        memset(name, 'a', 4000);
        for (; n_queued == 0; n++) {
                cr_assert_eq(system_bus_send(box->system_bus, "RefUnit", "s", name), 0);
                cr_assert_geq(
                        sd_bus_get_n_queued_write(system_bus_connection(box->system_bus), &n_queued), 0);
        }
        return n;
}

Test(system_bus, a_bus_that_does_not_read_does_not_hold_up_the_end) {
        _cleanup_box_ Box box;

        box_open(&box);
        cr_assert_eq(kill(box.fake->daemon, SIGSTOP), 0);
        (void) fill_socket(&box);
        uint64_t begin = fake_now();
        box.system_bus = system_bus_free(box.system_bus);
        cr_expect_lt(fake_now() - begin, USEC_PER_SEC);
        cr_assert_eq(kill(box.fake->daemon, SIGCONT), 0);
}

Test(system_bus, a_message_that_the_bus_did_not_take_at_once_arrives) {
        _cleanup_box_ Box box;

        box_open(&box);
        cr_assert_eq(kill(box.fake->daemon, SIGSTOP), 0);
        size_t n = fill_socket(&box);
        struct pollfd pollfd = { .fd = sd_bus_get_fd(system_bus_connection(box.system_bus)),
                .events = POLLOUT };
        cr_assert_eq(kill(box.fake->daemon, SIGCONT), 0);
        cr_assert_eq(poll(&pollfd, 1, (int) (FAKE_LIMIT_USEC / USEC_PER_MSEC)), 1);
        box.system_bus = system_bus_free(box.system_bus);
        RUN_UNTIL(box.event, fake_systemd_count(box.fake, "RefUnit") == n);
}

Test(system_bus, jobs_may_outlive_it) {
        _cleanup_box_ Box box;

        box_open(&box);
        Job *job = ask(&box, "StartTransientUnit", "a.service");
        box.system_bus = system_bus_free(box.system_bus);
        cr_assert_null(job_free(job));
        cr_assert_eq(box.n_done, 0);
        cr_assert_null(system_bus_free(NULL));
        cr_assert_null(job_free(NULL));
}

static void on_image(void *userdata, const char *path, const char *type, const Error *error) {
        Box *box = userdata;

        box->n_done++;
        string_replace(&box->result, path);
        string_replace(&box->error_words, path ? type : error ? error->message : NULL);
}

Test(system_bus, machined_is_asked_for_images) {
        _cleanup_box_ Box box;

        box_open(&box);
        box.fake->image = "debian";
        box.fake->image_path = "/var/lib/machines/debian";
        box.fake->image_type = "subvolume";
        ImageQuery *query = NULL;
        cr_assert_eq(image_query_new(box.system_bus, "debian", on_image, &box, &query), 0);
        RUN_UNTIL(box.event, box.n_done == 1);
        cr_assert_str_eq(box.result, "/var/lib/machines/debian");
        cr_assert_str_eq(box.error_words, "subvolume");
        image_query_free(query);

        cr_assert_eq(image_query_new(box.system_bus, "fedora", on_image, &box, &query), 0);
        RUN_UNTIL(box.event, box.n_done == 2);
        cr_assert_null(box.result);
        cr_assert_null(box.error_words, "%s", box.error_words);
        image_query_free(query);

        cr_assert_eq(image_query_new(box.system_bus, "debian", on_image, &box, &query), 0);
        image_query_free(query);
        fake_systemd_settle(box.fake, system_bus_connection(box.system_bus));
        cr_assert_eq(box.n_done, 2);
}

Test(system_bus, a_machined_that_does_not_answer_says_nothing_of_an_image) {
        _cleanup_box_ Box box;
        ImageQuery *query = NULL;

        box_open(&box);
        box.fake->ignore_machined = true;
        cr_assert_eq(image_query_new(box.system_bus, "debian", on_image, &box, &query), 0);
        RUN_UNTIL(box.event, fake_systemd_count(box.fake, "GetImage") > 0);
        fake_systemd_drop(box.fake);
        RUN_UNTIL(box.event, box.n_lost > 0);
        cr_assert_eq(box.n_done, 1);
        cr_assert_null(box.result);
        cr_assert_not_null(strstr(box.error_words, "does not tell where the image is"));
        image_query_free(query);
}

/* ---- observers ---- */

typedef struct Observed {
        BusObserver observer;
        BusObserver *ends; /* another observer, which each callback of this one ends */
        int result;        /* of opening the match */
        unsigned n_opened, n_lost;
} Observed;

static int on_opened(void *userdata, sd_bus *bus) {
        Observed *observed = userdata;

        cr_assert_not_null(bus);
        observed->n_opened++;
        if (observed->ends)
                bus_observer_end(observed->ends);
        return observed->result;
}

static void on_lost(void *userdata) {
        Observed *observed = userdata;

        observed->n_lost++;
        if (observed->ends)
                bus_observer_end(observed->ends);
}

static const BusObserverCallbacks observed_callbacks = { on_opened, on_lost };

static void observe(Box *box, Observed *observed) {
        system_bus_observe(box->system_bus, &observed->observer, &observed_callbacks, observed);
}

Test(system_bus, observers_are_called_for_every_connection_and_every_loss) {
        _cleanup_box_ Box box;
        Observed early = {}, late = {};

        box_prepare(&box);
        observe(&box, &early);
        cr_assert_eq(early.n_opened, 0);
        RUN_UNTIL(box.event, box.n_ready == 1);
        observe(&box, &late);
        for (unsigned round = 1; round <= 3; round++) {
                cr_assert_eq(early.n_opened, round);
                cr_assert_eq(late.n_opened, round);
                fake_systemd_drop(box.fake);
                RUN_UNTIL(box.event, box.n_lost >= round && early.n_lost == round);
                cr_assert_eq(late.n_lost, round);
                fake_systemd_return(box.fake);
                RUN_UNTIL(box.event, box.n_ready == round + 1);
        }
        bus_observer_end(&early.observer);
        bus_observer_end(&early.observer);
        fake_systemd_drop(box.fake);
        RUN_UNTIL(box.event, late.n_lost == 4);
        cr_assert_eq(early.n_lost, 3);
}

Test(system_bus, an_observer_may_end_any_other_while_they_are_called) {
        _cleanup_box_ Box box;
        Observed both[2] = { { .ends = &both[1].observer }, { .ends = &both[0].observer } };

        box_prepare(&box);
        observe(&box, &both[0]);
        observe(&box, &both[1]);
        RUN_UNTIL(box.event, box.n_ready > 0);
        cr_assert_eq(both[0].n_opened + both[1].n_opened, 1, "one ended the other");
        fake_systemd_drop(box.fake);
        RUN_UNTIL(box.event, box.n_lost > 0);
        cr_assert_eq(both[0].n_lost + both[1].n_lost, 1);
}

Test(system_bus, a_connection_that_an_observer_cannot_use_is_made_again) {
        _cleanup_box_ Box box;
        Observed early = { .result = -ENOBUFS }, late = { .result = -ENOBUFS };

        box_prepare(&box);
        observe(&box, &early);
        RUN_UNTIL(box.event, early.n_opened == 2);
        cr_assert_eq(box.n_ready, 0);
        early.result = 0;
        RUN_UNTIL(box.event, box.n_ready == 1);

        unsigned n_lost = box.n_lost;
        observe(&box, &late);
        cr_assert_eq(box.n_lost, n_lost, "a callback from within the call");
        RUN_UNTIL(box.event, box.n_lost > n_lost);
        late.result = 0;
        RUN_UNTIL(box.event, box.n_ready == 2);
        cr_assert_eq(late.n_lost, late.n_opened - 1);
}
