/* SPDX-License-Identifier: Apache-2.0 */

#include <unistd.h>

#include "engine/private.h"

/*
 * How many starts are under way at once. More only take each other's time: all of them would be late, and
 * some beyond the time that systemd gives a start.
 */
#define STARTS_PER_CPU 4

/* A start that takes longer waits for something else than a processor, such as the copy of an image. */
#define SLOT_USEC (10 * USEC_PER_SEC)

size_t gate_width(void) {
        long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

        return n_cpus > 0 ? (size_t) n_cpus * STARTS_PER_CPU : STARTS_PER_CPU;
}

static Task *first_waiting(Engine *engine) {
        Task *task, *first = NULL;

        LIST_FOREACH (task, &engine->tasks, tasks)
                if (task->waiting && (!first || task->ticket < first->ticket))
                        first = task;
        return first;
}

static int on_slot_timeout(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        task_leave_gate(userdata);
        return 0;
}

static void grant(Task *task) {
        task->waiting = false;
        task->has_slot = true;
        task->engine->n_starting++;
        (void) sd_event_add_time_relative(task->engine->event, &task->slot_timer, CLOCK_MONOTONIC, SLOT_USEC,
                0, on_slot_timeout, task);
        task_launch(task);
}

/* From the loop: whoever left may be in the middle of anything. */
static int on_gate(sd_event_source *source _unused_, void *userdata) {
        Engine *engine = userdata;
        Task *task;

        engine->gate = sd_event_source_disable_unref(engine->gate);
        while (system_bus_is_ready(engine->system_bus) && engine->n_starting < engine->starts_at_once &&
                (task = first_waiting(engine)))
                grant(task);
        return 0;
}

void engine_open_gate(Engine *engine) {
        if (!engine->gate)
                (void) sd_event_add_defer(engine->event, &engine->gate, on_gate, engine);
}

void task_enter_gate(Task *task) {
        if (task->has_slot) {
                task_launch(task);
                return;
        }

        task->waiting = true;
        task->ticket = task->engine->n_tickets++;
        engine_open_gate(task->engine);
}

void task_leave_gate(Task *task) {
        task->waiting = false;
        task->slot_timer = sd_event_source_disable_unref(task->slot_timer);
        if (!task->has_slot)
                return;

        task->has_slot = false;
        task->engine->n_starting--;
        engine_open_gate(task->engine);
}
