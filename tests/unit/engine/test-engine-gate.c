/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>
#include <systemd/sd-bus.h>

#include "base/string.h"
#include "box/engine-box.h"
#include "box/fake-systemd.h"

/* More starts than may run at once; the box allows two. */
TestSuite(engine_gate, .timeout = 60);

#define N_TASKS 5

typedef struct Starts {
        EngineBox *box;
        unsigned n_done;
        int codes[N_TASKS];
} Starts;

static void on_start(void *userdata, Task *task, const Error *error) {
        Starts *starts = userdata;

        starts->codes[starts->n_done++] = task ? 0 : error->code;
}

static char *machine_of(const EngineBox *box, unsigned i) {
        return xasprintf("%s-%u", box->machine, i);
}

static FakeUnit *unit_of(EngineBox *box, unsigned i) {
        _cleanup_free_ char *machine = machine_of(box, i), *unit = xasprintf("nspawn-%s.service", machine);

        return fake_unit_find(box->fake, unit);
}

/* Return: any unit that is starting. */
static FakeUnit *starting_unit(EngineBox *box) {
        for (unsigned i = 0; i < N_TASKS; i++) {
                FakeUnit *unit = unit_of(box, i);

                if (unit && streq(unit->active_state, "activating"))
                        return unit;
        }
        return NULL;
}

static void start_all(Starts *starts) {
        for (unsigned i = 0; i < N_TASKS; i++) {
                _cleanup_free_ char *id = xasprintf("task-%u", i), *machine = machine_of(starts->box, i);
                TaskRequest *request = engine_box_request(starts->box);

                string_replace(&request->identity.machine, machine);
                cr_assert_eq(engine_start(starts->box->engine, id, request, &(TaskStreams){ -1, -1 },
                                     on_start, starts, NULL),
                        0);
        }
}

static void forget_all(EngineBox *box) {
        Task *task;

        while ((task = engine_first(box->engine)))
                task_forget(task);
}

Test(engine_gate, starts_beyond_the_limit_wait_for_their_turn) {
        _cleanup_engine_box_ EngineBox box;
        Starts starts = { .box = &box };

        engine_box_open(&box);
        box.fake->start = FAKE_START_HANG;
        start_all(&starts);
        for (unsigned i = 0; i < N_TASKS; i++) {
                unsigned asked = i + 2 < N_TASKS ? i + 2 : N_TASKS;

                engine_box_run_until(&box, engine_box_count(&box, "StartTransientUnit") == asked);
                engine_box_settle(&box);
                cr_assert_eq(engine_box_count(&box, "StartTransientUnit"), asked);
                fake_unit_up(box.fake, starting_unit(&box));
                engine_box_run_until(&box, starts.n_done == i + 1);
                cr_assert_eq(starts.codes[i], 0);
        }
        forget_all(&box);
}

Test(engine_gate, starts_that_fail_make_room_too) {
        _cleanup_engine_box_ EngineBox box;
        Starts starts = { .box = &box };

        engine_box_open(&box);
        box.fake->start = FAKE_START_REFUSE;
        box.fake->refuse_name = SD_BUS_ERROR_INVALID_ARGS;
        box.fake->refuse_words = "no";
        start_all(&starts);
        engine_box_run_until(&box, starts.n_done == N_TASKS);
        cr_assert_eq(engine_n_tasks(box.engine), 0);
}

Test(engine_gate, a_stop_of_one_that_waits_asks_systemd_for_nothing) {
        _cleanup_engine_box_ EngineBox box;
        Starts starts = { .box = &box };
        unsigned waiting = 0;

        engine_box_open(&box);
        box.fake->start = FAKE_START_HANG;
        start_all(&starts);
        engine_box_run_until(&box, engine_box_count(&box, "StartTransientUnit") == 2);
        engine_box_settle(&box);
        while (unit_of(&box, waiting))
                waiting++;
        _cleanup_free_ char *id = xasprintf("task-%u", waiting);
        task_stop(engine_find(box.engine, id), 0, USEC_PER_SEC);
        cr_assert_eq(starts.n_done, 1);
        cr_assert_eq(starts.codes[0], ECANCELED);
        for (unsigned i = 1; i < N_TASKS; i++) {
                engine_box_run_until(&box, starting_unit(&box));
                fake_unit_up(box.fake, starting_unit(&box));
                engine_box_run_until(&box, starts.n_done == i + 1);
        }
        cr_assert_null(unit_of(&box, waiting));
        cr_assert_eq(engine_box_count(&box, "StopUnit"), 0);
        forget_all(&box);
}

Test(engine_gate, who_waits_while_the_bus_is_away_starts_when_it_is_back) {
        _cleanup_engine_box_ EngineBox box;
        Starts starts = { .box = &box };

        engine_box_open(&box);
        box.fake->start = FAKE_START_HANG;
        start_all(&starts);
        engine_box_run_until(&box, engine_box_count(&box, "StartTransientUnit") == 2);
        engine_box_settle(&box);
        fake_systemd_drop(box.fake);
        engine_box_run_until(&box, !engine_is_connected(box.engine));
        box.fake->start = FAKE_START_SUCCEED;
        fake_systemd_return(box.fake);
        engine_box_run_until(&box, engine_is_connected(box.engine));
        while (starting_unit(&box))
                fake_unit_up(box.fake, starting_unit(&box));
        engine_box_run_until(&box, starts.n_done == N_TASKS);
        for (unsigned i = 0; i < N_TASKS; i++)
                cr_assert_eq(starts.codes[i], 0, "task %u", i);
        forget_all(&box);
}
