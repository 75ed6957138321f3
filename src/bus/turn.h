/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "bus/system-bus.h"

/*
 * Calls that are made for very many units at once take turns: the bus refuses further calls while 128
 * answers are outstanding (dbus-daemon(1), max_replies_per_connection). A turn is given only on a connection
 * that is open; until there is one, all calls wait.
 */

/* How many turns there are at once: enough to keep systemd busy. */
#define TURNS_MAX 32

/* A zero-initialised Turn is not in use. */
typedef struct Turn {
        TAILQ_ENTRY(Turn) turns;
        struct Turns *queue; /* NULL when it is not in use */
        bool taken;
        void (*go)(void *userdata);
        void *userdata;
} Turn;

/**
 * turn_take() - call @go now if fewer than TURNS_MAX turns are taken, or as soon as one of them ends
 * @turn: must not be in use; must stay valid until turn_end(), which must come before system_bus_free()
 * @go:   sends the call; may be called before turn_take() returns, and may end the turn
 */
void turn_take(Turn *turn, SystemBus *system_bus, void (*go)(void *userdata), void *userdata);

/*
 * Ends a turn, because the answer is there or is not wanted any more. May be called at any time, and more
 * than once.
 */
void turn_end(Turn *turn);

static inline bool turn_is_waiting(const Turn *turn) {
        return turn->queue && !turn->taken;
}
