/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "bus/system-bus.h"

/*
 * A call that is made for very many units at once takes turns: the bus refuses what is asked for while 128
 * answers are outstanding (dbus-daemon(1), max_replies_per_connection).
 */

/* How many turns there are at once: enough to keep systemd busy. */
#define TURNS_MAX 32

/* Zero-initialised is no turn. */
typedef struct Turn {
        TAILQ_ENTRY(Turn) turns;
        SystemBus *system_bus; /* NULL when nothing is asked for */
        bool taken;
        void (*go)(void *userdata);
        void *userdata;
} Turn;

typedef struct Turns {
        TAILQ_HEAD(, Turn) waiting;
        unsigned n_taken;
} Turns;

/**
 * turn_take() - make a call now, or when it is its turn
 * @turn: none yet; lives until it is ended
 * @go:   makes the call, and may be called from within
 */
void turn_take(Turn *turn, SystemBus *system_bus, void (*go)(void *userdata), void *userdata);

/* The answer is there, or is not wanted any more. May be called at any time. */
void turn_end(Turn *turn);

static inline bool turn_is_waiting(const Turn *turn) {
        return turn->system_bus && !turn->taken;
}
