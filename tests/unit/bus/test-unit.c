/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/string.h"
#include "box/fake-systemd.h"
#include "box/group-box.h"
#include "bus/retry.h"
#include "bus/signal-match.h"
#include "bus/turn.h"
#include "bus/unit.h"

TestSuite(unit, .timeout = 60);

typedef struct Box {
        sd_event *event;
        FakeSystemd *fake;
        SystemBus *system_bus;
        Unit *unit;
        unsigned n_lost;
        unsigned n_changed;
        unsigned n_unreadable;
        char *active_state; /* of the last callback */
        bool gone;
        char *unreadable; /* message of the error */
        uint32_t main_pid;
        char *frozen; /* message of the error */
} Box;

static void on_connection(void *userdata, const Error *error) {
        ((Box *) userdata)->n_lost += error != NULL;
}

static void on_changed(void *userdata, const UnitStatus *status) {
        Box *box = userdata;

        box->n_changed++;
        string_replace(&box->active_state, status->active_state);
        box->gone = unit_status_is_gone(status);
        box->main_pid = status->main_pid;
}

static void on_unreadable(void *userdata, const Error *error) {
        Box *box = userdata;

        box->n_unreadable++;
        string_replace(&box->unreadable, error_message(error));
}

static void on_frozen(void *userdata, const Error *error) {
        string_replace(&((Box *) userdata)->frozen, error_message(error));
}

static const UnitCallbacks on_changed_callbacks = { on_changed, on_unreadable, on_frozen };

static void box_open(Box *box) {
        *box = (Box){};
        cr_assert_geq(sd_event_new(&box->event), 0);
        box->fake = fake_systemd_new(box->event);
        box->system_bus = system_bus_new(box->event, box->fake->address, on_connection, box);
        RUN_UNTIL(box->event, system_bus_is_ready(box->system_bus));
        box->unit = unit_new(box->system_bus, "a-b.service", &on_changed_callbacks, box);
        cr_assert_str_eq(unit_name(box->unit), "a-b.service");
}

static void box_close(Box *box) {
        unit_free(box->unit);
        system_bus_free(box->system_bus);
        fake_systemd_free(box->fake);
        sd_event_unref(box->event);
        free(box->active_state);
        free(box->unreadable);
        free(box->frozen);
}
#define _cleanup_box_ _cleanup_(box_close)

static void settle(Box *box) {
        fake_systemd_settle(box->fake, system_bus_connection(box->system_bus));
}

static UnitStatus last;

static void keep_status(void *userdata, const UnitStatus *status) {
        on_changed(userdata, status);
        last = (UnitStatus){
                .load_state = xstrdup(status->load_state),
                .active_state = xstrdup(status->active_state),
                .sub_state = xstrdup(status->sub_state),
                .result = xstrdup(status->result),
                .status_text = xstrdup(status->status_text),
                .invocation_id = xstrdup_null(status->invocation_id),
                .job_id = status->job_id,
                .main_pid = status->main_pid,
                .exec_main_code = status->exec_main_code,
                .exec_main_status = status->exec_main_status,
                .active_enter_usec = status->active_enter_usec,
                .exit_usec = status->exit_usec,
        };
}

static const UnitCallbacks keep_status_callbacks = { .changed = keep_status };

Test(unit, a_read_gets_every_property) {
        _cleanup_box_ Box box;

        box_open(&box);
        Unit *other = unit_new(box.system_bus, "x.service", &keep_status_callbacks, &box);
        FakeUnit *fake = fake_unit_add(box.fake, "x.service", "failed");
        fake->result = "exit-code";
        fake->job_id = 12;
        fake->main_pid = 13;
        fake->exec_main_code = CLD_EXITED;
        fake->exec_main_status = 14;
        fake->exit_usec = UINT64_C(1) << 40;
        unit_refresh(other);
        cr_assert_eq(box.n_changed, 0);
        RUN_UNTIL(box.event, box.n_changed > 0);
        cr_assert_str_eq(last.load_state, "loaded");
        cr_assert_str_eq(last.active_state, "failed");
        cr_assert_str_eq(last.sub_state, "any");
        cr_assert_str_eq(last.result, "exit-code");
        cr_assert_str_eq(last.status_text, "");
        cr_assert_str_eq(last.invocation_id, "0102030405060708090a0b0c0d0e0ffe");
        cr_assert_eq(last.job_id, 12);
        cr_assert_eq(last.main_pid, 13);
        cr_assert_eq(last.exec_main_code, CLD_EXITED);
        cr_assert_eq(last.exec_main_status, 14);
        cr_assert_eq(last.active_enter_usec, 7);
        cr_assert_eq(last.exit_usec, UINT64_C(1) << 40);
        unit_status_clear(&last);
        cr_assert_null(last.active_state);
        unit_free(other);
}

Test(unit, a_unit_that_systemd_does_not_have_is_told_as_gone) {
        _cleanup_box_ Box box;

        box_open(&box);
        unit_refresh(box.unit);
        RUN_UNTIL(box.event, box.n_changed > 0);
        cr_assert_eq(box.n_unreadable, 0);
        cr_assert_str_eq(box.active_state, "inactive");
        cr_assert(box.gone);
}

Test(unit, the_watch_sees_what_a_call_sent_next_changes) {
        _cleanup_box_ Box box;

        box_open(&box);
        cr_assert_eq(system_bus_send(box.system_bus, "StartTransientUnit", "ss", "a-b.service", "fail"), 0);
        RUN_UNTIL(box.event, streq_null(box.active_state, "active"));
        cr_assert_eq(box.n_changed, 2, "activating, active");
        cr_assert_eq(box.main_pid, (uint32_t) getpid());
        cr_assert_eq(fake_systemd_count(box.fake, "GetAll"), 0, "signals suffice");
}

Test(unit, changes_of_other_units_are_not_told) {
        _cleanup_box_ Box box;

        box_open(&box);
        settle(&box);
        fake_unit_up(box.fake, fake_unit_add(box.fake, "a.service", "activating"));
        fake_unit_up(box.fake, fake_unit_add(box.fake, "a-b-c.service", "activating"));
        settle(&box);
        cr_assert_eq(box.n_changed, 0);
}

Test(unit, an_end_is_read_anew) {
        _cleanup_box_ Box box;

        box_open(&box);
        settle(&box);
        FakeUnit *fake = fake_unit_add(box.fake, "a-b.service", "active");
        fake->pinned = true;
        fake_unit_exit(box.fake, fake, CLD_EXITED, 3);
        RUN_UNTIL(box.event, box.n_changed > 0);
        cr_assert_str_eq(box.active_state, "failed");
        settle(&box);
        cr_assert_eq(box.n_changed, 1);
        cr_assert_eq(fake_systemd_count(box.fake, "GetAll a-b.service"), 1);
}

/* The callback gets the current state only: the unit is up again when it is read. */
Test(unit, a_restart_through_inactive_is_no_end) {
        _cleanup_box_ Box box;

        box_open(&box);
        settle(&box);
        FakeUnit *fake = fake_unit_add(box.fake, "a-b.service", "active");
        fake->active_state = "inactive";
        fake_unit_emit(box.fake, fake);
        fake->active_state = "active";
        fake_unit_emit(box.fake, fake);
        RUN_UNTIL(box.event, box.n_changed > 0);
        settle(&box);
        cr_assert_str_eq(box.active_state, "active");
        cr_assert_eq(box.n_unreadable, 0);
}

Test(unit, a_change_during_a_read_is_read_again) {
        _cleanup_box_ Box box;

        box_open(&box);
        FakeUnit *fake = fake_unit_add(box.fake, "a-b.service", "activating");
        unit_refresh(box.unit);
        unit_refresh(box.unit);
        unit_refresh(box.unit);
        fake_unit_up(box.fake, fake);
        RUN_UNTIL(box.event, box.n_changed > 0);
        settle(&box);
        cr_assert_str_eq(box.active_state, "active");
        cr_assert_leq(fake_systemd_count(box.fake, "GetAll"), 3);
}

Test(unit, after_it_is_freed_nothing_is_told) {
        _cleanup_box_ Box box;

        box_open(&box);
        FakeUnit *fake = fake_unit_add(box.fake, "a-b.service", "activating");
        unit_refresh(box.unit);
        box.unit = unit_free(box.unit);
        fake_unit_up(box.fake, fake);
        settle(&box);
        cr_assert_eq(box.n_changed, 0);
        cr_assert_null(unit_free(NULL));
}

Test(unit, a_read_that_is_cut_off_tells_nothing_of_the_unit) {
        _cleanup_box_ Box box;

        box_open(&box);
        box.fake->ignore = "GetAll";
        unit_refresh(box.unit);
        unit_refresh(box.unit);
        RUN_UNTIL(box.event, fake_systemd_count(box.fake, "GetAll") > 0);
        fake_systemd_drop(box.fake);
        RUN_UNTIL(box.event, box.n_lost > 0);
        cr_assert_eq(box.n_changed, 0);
}

Test(unit, no_object_and_no_such_unit_mean_that_the_unit_is_gone) {
        static const char *const names[] = { SD_BUS_ERROR_UNKNOWN_OBJECT,
                "org.freedesktop.systemd1.NoSuchUnit" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_box_ Box box;

                box_open(&box);
                box.fake->no_read = names[i];
                unit_refresh(box.unit);
                RUN_UNTIL(box.event, box.n_changed > 0);
                cr_expect(box.gone, "%s", names[i]);
                cr_expect_str_eq(box.active_state, "inactive");
                cr_expect_eq(fake_systemd_count(box.fake, "GetAll"), 1);
        }
}

Test(unit, a_read_that_fails_in_any_other_way_is_made_again) {
        static const char *const names[] = {
                SD_BUS_ERROR_ACCESS_DENIED,
                SD_BUS_ERROR_LIMITS_EXCEEDED,
                SD_BUS_ERROR_NO_MEMORY,
                SD_BUS_ERROR_TIMEOUT,
                SD_BUS_ERROR_NO_REPLY,
                SD_BUS_ERROR_DISCONNECTED,
                SD_BUS_ERROR_SERVICE_UNKNOWN,
                SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                SD_BUS_ERROR_INCONSISTENT_MESSAGE,
                SD_BUS_ERROR_UNKNOWN_INTERFACE,
                SD_BUS_ERROR_UNKNOWN_METHOD,
                SD_BUS_ERROR_IO_ERROR,
                SD_BUS_ERROR_FAILED,
                "org.freedesktop.systemd1.Unheard",
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_box_ Box box;

                box_open(&box);
                (void) fake_unit_add(box.fake, "a-b.service", "active");
                box.fake->no_read = names[i];
                box.fake->n_reads_refused = 1;
                unit_refresh(box.unit);
                RUN_UNTIL(box.event, box.n_changed > 0);
                cr_expect_str_eq(box.active_state, "active", "%s", names[i]);
                settle(&box);
                cr_expect_eq(box.n_changed, 1);
                cr_expect_eq(box.n_unreadable, 0);
                cr_expect_eq(fake_systemd_count(box.fake, "GetAll"), 2);
        }
}

Test(unit, an_answer_that_makes_no_sense_is_asked_for_again) {
        _cleanup_box_ Box box;

        box_open(&box);
        (void) fake_unit_add(box.fake, "a-b.service", "active");
        box.fake->strange = "what?";
        unit_refresh(box.unit);
        RUN_UNTIL(box.event, fake_systemd_count(box.fake, "GetAll") == 2);
        cr_assert_eq(box.n_changed, 0);
        box.fake->strange = NULL;
        RUN_UNTIL(box.event, box.n_changed > 0);
        cr_assert_str_eq(box.active_state, "active");
}

Test(unit, reads_that_go_on_failing_are_told_once_and_go_on) {
        _cleanup_box_ Box box;

        box_open(&box);
        (void) fake_unit_add(box.fake, "a-b.service", "active");
        box.fake->no_read = SD_BUS_ERROR_ACCESS_DENIED;
        unit_refresh(box.unit);
        RUN_UNTIL(box.event, fake_systemd_count(box.fake, "GetAll") == RETRY_MANY + 1);
        settle(&box);
        cr_assert_eq(box.n_unreadable, 1);
        cr_assert_str_eq(box.unreadable,
                "systemd does not tell the state of a-b.service: cannot be read now", "%s", box.unreadable);
        cr_assert_eq(box.n_changed, 0);
        box.fake->no_read = NULL;
        RUN_UNTIL(box.event, box.n_changed > 0);
        cr_assert_str_eq(box.active_state, "active");
}

Test(unit, what_was_asked_for_before_the_bus_went_is_told_when_it_is_back) {
        _cleanup_box_ Box box;

        box_open(&box);
        FakeUnit *fake = fake_unit_add(box.fake, "a-b.service", "active");
        fake_systemd_drop(box.fake);
        /* The loop has not noticed the loss yet. */
        unit_refresh(box.unit);
        cr_assert_eq(unit_pin(box.unit), -ENOTCONN);
        RUN_UNTIL(box.event, box.n_lost > 0);
        unit_refresh(box.unit);
        cr_assert_eq(box.n_changed, 0);
        fake_systemd_return(box.fake);
        RUN_UNTIL(box.event, box.n_changed > 0);
        settle(&box);
        cr_assert_eq(box.n_changed, 1);
        cr_assert_str_eq(box.active_state, "active");

        /* Later changes are reported as before. */
        fake_unit_exit(box.fake, fake, CLD_EXITED, 0);
        RUN_UNTIL(box.event, box.n_changed == 2);
        cr_assert(box.gone);
}

Test(unit, a_read_while_systemd_is_away_is_tried_again) {
        _cleanup_box_ Box box;

        box_open(&box);
        cr_assert_geq(sd_bus_release_name(box.fake->bus, SYSTEMD_DESTINATION), 0);
        unit_refresh(box.unit);
        cr_assert_geq(sd_bus_request_name(box.fake->bus, SYSTEMD_DESTINATION, 0), 0);
        RUN_UNTIL(box.event, box.n_changed > 0);
        cr_assert_eq(box.n_unreadable, 0);
}

Test(unit, calls_name_the_unit_and_come_in_order) {
        _cleanup_box_ Box box;
        static const char *const wanted[] = { "RefUnit a-b.service", "KillUnit a-b.service all 9",
                "UnrefUnit a-b.service" };

        box_open(&box);
        fake_unit_add(box.fake, "a-b.service", "active");
        size_t n = fake_systemd_count(box.fake, "");
        cr_assert_eq(unit_pin(box.unit), 0);
        cr_assert_eq(unit_kill_all(box.unit, SIGKILL), 0);
        RUN_UNTIL(box.event, fake_systemd_count(box.fake, "KillUnit") > 0);
        unit_unpin(box.unit);
        RUN_UNTIL(box.event, fake_systemd_count(box.fake, "UnrefUnit") > 0);
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++) {
                size_t at = fake_systemd_position(box.fake, wanted[i]);
                cr_assert(at != SIZE_MAX && at >= n, "%s", wanted[i]);
                n = at;
        }
        cr_assert_null(fake_unit_find(box.fake, "a-b.service"));
}

/* ---- frozen units ---- */

/* Opens the box with a unit that has a control group. */
static void frozen_open(Box *box, GroupBox *groups, const char *unit_frozen, const char *slice_frozen) {
        box_open(box);
        group_box_open(groups);
        group_box_write(groups, "cgroup.freeze", unit_frozen);
        group_box_write(groups, "../cgroup.freeze", slice_frozen);
        _cleanup_free_ char *path = group_box_path(groups, NULL);
        fake_unit_place(fake_unit_add(box->fake, "a-b.service", "active"), path);
}

static char *freeze_text(const GroupBox *groups) {
        _cleanup_free_ char *path = group_box_path(groups, "cgroup.freeze");
        char *text = NULL;

        cr_assert_geq(file_read(AT_FDCWD, path, 16, &text), 0);
        return text;
}

static void expect_stopped_and_killed(Box *box, size_t n_thaws) {
        RUN_UNTIL(box->event, fake_systemd_count(box->fake, "KillUnit") > 0);
        cr_expect_eq(fake_systemd_count(box->fake, "ThawUnit"), n_thaws);
        size_t stop = fake_systemd_position(box->fake, "StopUnit a-b.service replace");
        cr_expect_lt(stop, fake_systemd_position(box->fake, "KillUnit a-b.service all 9"));
        if (n_thaws > 0)
                cr_expect_lt(fake_systemd_position(box->fake, "ThawUnit a-b.service"), stop);
        cr_expect_null(box->frozen, "%s", box->frozen);
}

Test(unit, what_is_frozen_is_thawed_before_it_is_stopped_or_killed) {
        static const struct {
                const char *frozen;
                const char *no_thaw;
                size_t n_thaws;
        } rows[] = {
                { "0\n", NULL, 0 },
                { "1\n", NULL, 1 },
                /* systemd thaws active units only, not one that starts or ends. */
                { "1\n", "Unit a-b.service is not active.", 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_box_ Box box;
                _cleanup_group_box_ GroupBox groups;

                frozen_open(&box, &groups, rows[i].frozen, "0\n");
                box.fake->no_thaw = rows[i].no_thaw;
                box.fake->stop_is_slow = true;
                cr_assert_eq(unit_stop(box.unit), 0);
                cr_assert_eq(unit_kill_all(box.unit, SIGKILL), 0);
                expect_stopped_and_killed(&box, rows[i].n_thaws);
                _cleanup_free_ char *text = freeze_text(&groups);
                cr_expect_eq(*text, '0', "row %zu", i);
        }
}

Test(unit, what_cannot_be_thawed_is_neither_stopped_nor_killed_but_told_of) {
        _cleanup_box_ Box box;
        _cleanup_group_box_ GroupBox groups;

        frozen_open(&box, &groups, "0\n", "1\n");
        cr_assert_eq(unit_stop(box.unit), 0);
        cr_assert_eq(unit_kill_all(box.unit, SIGKILL), 0);
        RUN_UNTIL(box.event, box.frozen);
        settle(&box);
        cr_expect_str_eq(box.frozen, "a-b.service is frozen with its slice: systemctl thaw test.slice", "%s",
                box.frozen);
        cr_expect_eq(fake_systemd_count(box.fake, "StopUnit"), 0);
        cr_expect_eq(fake_systemd_count(box.fake, "KillUnit"), 0);

        string_replace(&box.frozen, NULL);
        group_box_write(&groups, "../cgroup.freeze", "0\n");
        cr_assert_eq(unit_stop(box.unit), 0);
        cr_assert_eq(unit_kill_all(box.unit, SIGKILL), 0);
        expect_stopped_and_killed(&box, 0);
}

Test(unit, dead_and_up_mean_what_systemd_means) {
        static const struct {
                const char *state;
                uint32_t job, pid;
                bool dead, up;
        } rows[] = {
                { "inactive", 0, 0, true, false },
                { "failed", 0, 0, true, false },
                { "failed", 0, 5, true, false },
                { "inactive", 1, 0, false, false },
                { "failed", 1, 0, false, false },
                { "activating", 1, 5, false, false },
                { "activating", 0, 0, false, false },
                { "active", 0, 5, false, true },
                { "active", 1, 5, false, true },
                { "reloading", 0, 5, false, true },
                { "deactivating", 1, 5, false, true },
                { "deactivating", 0, 0, false, false },
                { NULL, 0, 0, false, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                UnitStatus status = { .active_state = (char *) (uintptr_t) rows[i].state,
                        .job_id = rows[i].job,
                        .main_pid = rows[i].pid };

                cr_assert_eq(unit_status_is_dead(&status), rows[i].dead, "row %zu", i);
                cr_assert_eq(unit_status_is_up(&status), rows[i].up, "row %zu", i);
        }
}

/* One of several watches of the same unit; its callback may end another. */
typedef struct Told {
        unsigned n;
        Unit **ends;
} Told;

static void count_told(void *userdata, const UnitStatus *status _unused_) {
        Told *told = userdata;

        told->n++;
        if (told->ends)
                *told->ends = unit_free(*told->ends);
}

static const UnitCallbacks count_told_callbacks = { .changed = count_told };

/* Watches units that do not change. */
static void watch_others(Box *box, Unit **units, size_t n) {
        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *name = xasprintf("many-%zu.service", i);

                units[i] = unit_new(box->system_bus, name, &on_changed_callbacks, box);
        }
}

static void units_free(Unit **units, size_t n) {
        for (size_t i = 0; i < n; i++)
                units[i] = unit_free(units[i]);
}

Test(unit, whoever_watches_the_same_unit_is_told_unless_the_watch_was_ended_meanwhile) {
        static const size_t n_others[] = { 0, SIGNAL_MATCHES_OWN_MAX - 2, SIGNAL_MATCHES_OWN_MAX };

        for (size_t k = 0; k < ELEMENTSOF(n_others); k++) {
                _cleanup_box_ Box box;
                Unit *units[3], *others[SIGNAL_MATCHES_OWN_MAX];
                Told told[] = { { .ends = &units[1] }, { .ends = &units[0] }, {} };

                box_open(&box);
                watch_others(&box, others, n_others[k]);
                for (size_t i = 0; i < ELEMENTSOF(units); i++)
                        units[i] = unit_new(box.system_bus, "x.service", &count_told_callbacks, told + i);
                settle(&box);
                fake_unit_emit(box.fake, fake_unit_add(box.fake, "x.service", "active"));
                settle(&box);
                cr_expect_eq(told[0].n + told[1].n, 1, "one ends the other; row %zu", k);
                cr_expect_eq((units[0] == NULL) + (units[1] == NULL), 1);
                cr_expect_eq(told[2].n, 1);
                units_free(units, ELEMENTSOF(units));
                units_free(others, n_others[k]);
        }
}

/* dbus-daemon allows a connection 512 matches. */
#define N_MANY 600

Test(unit, more_units_are_watched_than_a_connection_may_have_matches) {
        _cleanup_box_ Box box;
        Unit *many[N_MANY];

        box_open(&box);
        FakeUnit *first = fake_unit_add(box.fake, "many-0.service", "active"),
                 *last_one = fake_unit_add(box.fake, "many-599.service", "active");
        /* The second round begins when all watches of the first have ended. */
        for (unsigned round = 1; round <= 2; round++) {
                watch_others(&box, many, N_MANY);
                settle(&box);
                cr_assert_eq(box.n_lost, 0);

                fake_unit_emit(box.fake, first);
                fake_unit_emit(box.fake, last_one);
                RUN_UNTIL(box.event, box.n_changed == 2 * round);
                cr_assert_eq(box.n_unreadable, 0);
                units_free(many, N_MANY);
                fake_unit_emit(box.fake, first);
                fake_unit_emit(box.fake, last_one);
                settle(&box);
                cr_assert_eq(box.n_changed, 2 * round);
        }
}

Test(unit, only_those_that_share_a_match_are_woken_by_other_units) {
        _cleanup_box_ Box box;
        Unit *many[SIGNAL_MATCHES_OWN_MAX];

        box_open(&box);
        FakeUnit *other = fake_unit_add(box.fake, "other.service", "active");
        for (unsigned round = 0; round < 2; round++) {
                for (size_t n = SIGNAL_MATCHES_OWN_MAX - 1; n <= SIGNAL_MATCHES_OWN_MAX; n++) {
                        watch_others(&box, many, n);
                        settle(&box);
                        uint64_t before = signal_matches_n_signals(box.system_bus);
                        fake_unit_emit(box.fake, other);
                        settle(&box);
                        uint64_t n_woken = signal_matches_n_signals(box.system_bus) - before;
                        /* 2: one of the interface Service, one of Unit. The box has a watch as well. */
                        cr_expect_eq(n_woken, n < SIGNAL_MATCHES_OWN_MAX ? 0 : 2, "%zu: %zu", n,
                                (size_t) n_woken);
                        units_free(many, n);
                }
        }
        cr_assert_eq(box.n_changed, 0);
}

#define N_CROWD 200

Test(unit, a_crowd_takes_turns_and_everyone_is_read) {
        _cleanup_box_ Box box;
        Unit *crowd[N_CROWD];

        box_open(&box);
        (void) fake_unit_add(box.fake, "a-b.service", "active");
        for (size_t i = 0; i < N_CROWD; i++)
                crowd[i] = unit_new(box.system_bus, "a-b.service", &on_changed_callbacks, &box);

        box.fake->ignore = "GetAll";
        for (size_t i = 0; i < N_CROWD; i++)
                unit_refresh(crowd[i]);
        fake_systemd_settle(box.fake, system_bus_connection(box.system_bus));
        cr_assert_eq(fake_systemd_count(box.fake, "GetAll"), TURNS_MAX);
        cr_assert_eq(box.n_unreadable, 0);

        /* A watch that ends gives its turn to the next, whether it waits or its call has no answer. */
        box.fake->ignore = NULL;
        crowd[N_CROWD - 1] = unit_free(crowd[N_CROWD - 1]);
        for (size_t i = 0; i < TURNS_MAX; i++)
                crowd[i] = unit_free(crowd[i]);
        RUN_UNTIL(box.event, box.n_changed == N_CROWD - TURNS_MAX - 1);
        cr_assert_eq(box.n_unreadable, 0);

        for (size_t i = 0; i < N_CROWD; i++)
                unit_free(crowd[i]);
}

/* libsystemd answers all pending calls itself before it reports that the connection is lost. */
Test(unit, a_crowd_is_told_nothing_while_the_bus_goes_twice_and_all_when_it_is_back) {
        _cleanup_box_ Box box;
        Unit *crowd[N_CROWD];

        box_open(&box);
        (void) fake_unit_add(box.fake, "a-b.service", "active");
        box.fake->ignore = "GetAll";
        for (size_t i = 0; i < N_CROWD; i++) {
                crowd[i] = unit_new(box.system_bus, "a-b.service", &on_changed_callbacks, &box);
                unit_refresh(crowd[i]);
        }

        for (unsigned round = 1; round <= 2; round++) {
                RUN_UNTIL(box.event, fake_systemd_count(box.fake, "GetAll") == round * TURNS_MAX);
                fake_systemd_drop(box.fake);
                RUN_UNTIL(box.event, box.n_lost > 0);
                cr_assert_eq(box.n_changed, 0);
                box.n_lost = 0;
                box.fake->ignore = round == 2 ? NULL : "GetAll";
                fake_systemd_return(box.fake);
        }

        RUN_UNTIL(box.event, box.n_changed == N_CROWD);
        cr_assert_str_eq(box.active_state, "active");
        cr_assert_eq(box.n_unreadable, 0);
        units_free(crowd, N_CROWD);
}

Test(unit, whether_a_unit_is_frozen_is_asked_again_before_it_is_stopped) {
        _cleanup_box_ Box box;
        _cleanup_group_box_ GroupBox groups;

        frozen_open(&box, &groups, "1\n", "0\n");
        box.fake->no_read = SD_BUS_ERROR_LIMITS_EXCEEDED;
        box.fake->n_reads_refused = 2;
        box.fake->stop_is_slow = true;
        cr_assert_eq(unit_stop(box.unit), 0);
        cr_assert_eq(unit_kill_all(box.unit, SIGKILL), 0);
        expect_stopped_and_killed(&box, 1);
}

Test(unit, a_unit_of_which_nobody_can_say_whether_it_is_frozen_is_not_stopped) {
        _cleanup_box_ Box box;
        _cleanup_group_box_ GroupBox groups;

        frozen_open(&box, &groups, "1\n", "0\n");
        box.fake->no_read = SD_BUS_ERROR_ACCESS_DENIED;
        cr_assert_eq(unit_stop(box.unit), 0);
        RUN_UNTIL(box.event, box.frozen);
        cr_expect_str_eq(box.frozen,
                "systemd does not tell whether a-b.service is frozen: cannot be read now", "%s", box.frozen);
        cr_expect_eq(fake_systemd_count(box.fake, "StopUnit"), 0);
}
