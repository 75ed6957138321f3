/* SPDX-License-Identifier: Apache-2.0 */

#include "bus/turn.h"

static void turn_go(Turn *turn, Turns *turns) {
        turn->taken = true;
        turns->n_taken++;
        turn->go(turn->userdata);
}

void turn_take(Turn *turn, SystemBus *system_bus, void (*go)(void *userdata), void *userdata) {
        Turns *turns = system_bus_turns(system_bus);

        *turn = (Turn){ .system_bus = system_bus, .go = go, .userdata = userdata };
        if (turns->n_taken < TURNS_MAX)
                turn_go(turn, turns);
        else
                TAILQ_INSERT_TAIL(&turns->waiting, turn, turns);
}

void turn_end(Turn *turn) {
        SystemBus *system_bus = turn->system_bus;

        if (!system_bus)
                return;

        Turns *turns = system_bus_turns(system_bus);
        turn->system_bus = NULL;
        if (!turn->taken) {
                TAILQ_REMOVE(&turns->waiting, turn, turns);
                return;
        }
        turns->n_taken--;

        /* Without a connection it is nobody's turn. */
        Turn *next = system_bus_is_ready(system_bus) ? TAILQ_FIRST(&turns->waiting) : NULL;
        if (next && turns->n_taken < TURNS_MAX) {
                TAILQ_REMOVE(&turns->waiting, next, turns);
                turn_go(next, turns);
        }
}
