/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "bus/system-bus.h"

/*
 * A call that is made for very many units at once takes turns: the bus refuses what is asked for while 128
 * answers are outstanding (dbus-daemon(1), max_replies_per_connection). A turn is given only on a connection
 * that is open; until there is one, all wait.
 */

/* How many turns there are at once: enough to keep systemd busy. */
#define TURNS_MAX 32

/* Zero-initialised is no turn. */
typedef struct Turn {
        TAILQ_ENTRY(Turn) turns;
        struct Turns *queue; /* NULL when nothing is asked for */
        bool taken;
        void (*go)(void *userdata);
        void *userdata;
} Turn;

/**
 * turn_take() - call @go now if fewer than TURNS_MAX turns are taken, or as soon as one of them ends
 * @turn: must not be in use; stays as it is until it is ended, at the latest before the system_bus is freed
 * @go:   sends the call; may be called before turn_take() returns, and may end the turn
 */
void turn_take(Turn *turn, SystemBus *system_bus, void (*go)(void *userdata), void *userdata);

/* The answer is there, or is not wanted any more. May be called at any time, and again. */
void turn_end(Turn *turn);

static inline bool turn_is_waiting(const Turn *turn) {
        return turn->queue && !turn->taken;
}
