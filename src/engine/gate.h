/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "bus/system-bus.h"

/*
 * The gate bounds how many starts are under way at once. More starts would only compete for the processors:
 * all of them would be slow, and some would exceed systemd's time limit for a start. Starts pass in the
 * order in which they entered, and only while there is a connection to systemd.
 */
typedef struct Gate {
        sd_event *event;
        const SystemBus *system_bus;
        size_t width;   /* slots */
        size_t n_taken; /* slots in use */
        TAILQ_HEAD(, GatePass) waiting;
        sd_event_source *opening;
} Gate;

/* A start's place in the queue, and later its slot. A zero-initialised pass has neither. */
typedef struct GatePass {
        TAILQ_ENTRY(GatePass) waiting;
        Gate *gate; /* NULL when it neither waits nor has had a slot */
        bool granted;
        sd_event_source *expiry; /* of the slot */
        void (*go)(void *userdata);
        void *userdata;
} GatePass;

/* Return: how many starts at once suit this host. */
size_t gate_width(void);

/* @event and @system_bus must outlive the gate. */
void gate_init(Gate *gate, sd_event *event, const SystemBus *system_bus, size_t width);
void gate_clear(Gate *gate);

/* Gives free slots to waiting passes, from the loop. To be called when a connection was made. */
void gate_open(Gate *gate);

/**
 * gate_enter() - queue for a slot
 * @pass: must neither wait nor have a slot; must stay valid until gate_leave()
 * @go:   called from the loop, once, when there is a slot
 *
 * The slot is free again after gate_leave() or ten seconds: a start that takes longer waits for something
 * else than a processor, such as the copy of an image.
 */
void gate_enter(Gate *gate, GatePass *pass, void (*go)(void *userdata), void *userdata);

/* Leaves the queue, or gives the slot back; does nothing with a pass that has neither. */
void gate_leave(GatePass *pass);
