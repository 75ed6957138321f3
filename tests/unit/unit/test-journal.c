/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/macro.h"
#include "box/fake-systemd.h"
#include "unit/journal.h"

TestSuite(journal, .timeout = 60);

/* There is no such unit, so the machine's journal, if there is one, has no entries of it. */
#define UNIT "nspawn-no-such-unit-test.service"
#define LIMIT_USEC (200 * USEC_PER_MSEC)

typedef struct Told {
        unsigned n;
        bool has_words;
        unsigned n_ticks;
} Told;

static void on_done(void *userdata, const char *words) {
        Told *told = userdata;

        told->n++;
        told->has_words = words != NULL;
}

static int on_tick(sd_event_source *source, uint64_t usec _unused_, void *userdata) {
        ((Told *) userdata)->n_ticks++;
        (void) sd_event_source_set_time_relative(source, 10 * USEC_PER_MSEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

Test(journal, a_unit_that_said_nothing_is_waited_for_while_the_loop_runs) {
        sd_event_source *tick;
        sd_event *event;
        Told told = {};

        cr_assert_geq(sd_event_new(&event), 0);
        cr_assert_geq(sd_event_add_time_relative(event, &tick, CLOCK_MONOTONIC, 0, 1, on_tick, &told), 0);
        uint64_t begin = clock_monotonic_usec();
        JournalWords *words = journal_words_new(event, UNIT, 0, LIMIT_USEC, on_done, &told);

        cr_assert_not_null(words);
        cr_expect_eq(told.n, 0);
        RUN_UNTIL(event, told.n > 0);
        cr_expect_not(told.has_words);
        cr_expect_geq(clock_monotonic_usec() - begin, LIMIT_USEC);
        cr_expect_geq(told.n_ticks, 3, "%u ticks", told.n_ticks);
        words = journal_words_free(words);
        cr_expect_eq(told.n, 1);
        sd_event_source_disable_unref(tick);
        sd_event_unref(event);
}

Test(journal, who_no_longer_wants_the_words_is_not_told) {
        sd_event_source *tick;
        sd_event *event;
        Told told = {}, other = {};

        cr_assert_geq(sd_event_new(&event), 0);
        cr_assert_geq(sd_event_add_time_relative(event, &tick, CLOCK_MONOTONIC, 0, 1, on_tick, &told), 0);
        JournalWords *wanted = journal_words_new(event, UNIT, 0, LIMIT_USEC, on_done, &told);

        (void) journal_words_free(journal_words_new(event, UNIT, 0, 1, on_done, &other));
        RUN_UNTIL(event, told.n > 0);
        cr_expect_eq(other.n, 0);
        (void) journal_words_free(wanted);
        sd_event_source_disable_unref(tick);
        sd_event_unref(event);
}
