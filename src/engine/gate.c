/* SPDX-License-Identifier: Apache-2.0 */

#include <unistd.h>

#include "engine/gate.h"
#include "loop/must.h"

#define STARTS_PER_CPU 4
#define SLOT_USEC (10 * USEC_PER_SEC)

size_t gate_width(void) {
        long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

        return n_cpus > 0 ? (size_t) n_cpus * STARTS_PER_CPU : STARTS_PER_CPU;
}

void gate_init(Gate *gate, sd_event *event, const SystemBus *system_bus, size_t width) {
        *gate = (Gate){ .event = event, .system_bus = system_bus, .width = width };
        TAILQ_INIT(&gate->waiting);
}

void gate_clear(Gate *gate) {
        gate->opening = sd_event_source_disable_unref(gate->opening);
}

static void give_slot_back(GatePass *pass) {
        if (!pass->expiry)
                return;

        pass->expiry = sd_event_source_disable_unref(pass->expiry);
        pass->gate->n_taken--;
        gate_open(pass->gate);
}

static int on_expiry(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        give_slot_back(userdata);
        return 0;
}

static void gate_grant(Gate *gate, GatePass *pass) {
        TAILQ_REMOVE(&gate->waiting, pass, waiting);
        pass->granted = true;
        /*
         * If the timer cannot be set, the slot counts as free at once: more starts may then run at once,
         * which only costs time.
         */
        if (sd_event_add_time_relative(
                    gate->event, &pass->expiry, CLOCK_MONOTONIC, SLOT_USEC, 0, on_expiry, pass) >= 0)
                gate->n_taken++;
        pass->go(pass->userdata);
}

static int on_opening(sd_event_source *source _unused_, void *userdata) {
        Gate *gate = userdata;

        gate->opening = sd_event_source_disable_unref(gate->opening);
        while (system_bus_is_ready(gate->system_bus) && gate->n_taken < gate->width &&
                !TAILQ_EMPTY(&gate->waiting))
                gate_grant(gate, TAILQ_FIRST(&gate->waiting));
        return 0;
}

/* Gives the slots from the loop, since the caller may be in the middle of ending a start. */
void gate_open(Gate *gate) {
        if (!gate->opening)
                event_must(sd_event_add_defer(gate->event, &gate->opening, on_opening, gate));
}

void gate_enter(Gate *gate, GatePass *pass, void (*go)(void *userdata), void *userdata) {
        *pass = (GatePass){ .gate = gate, .go = go, .userdata = userdata };
        TAILQ_INSERT_TAIL(&gate->waiting, pass, waiting);
        gate_open(gate);
}

void gate_leave(GatePass *pass) {
        if (!pass->gate)
                return;

        if (pass->granted)
                give_slot_back(pass);
        else
                TAILQ_REMOVE(&pass->gate->waiting, pass, waiting);
        *pass = (GatePass){};
}
