/* SPDX-License-Identifier: Apache-2.0 */

#include "systemd/turn.h"

static void turn_go(Turn *turn, Turns *turns) {
        turn->taken = true;
        turns->n_taken++;
        turn->go(turn->userdata);
}

void turn_take(Turn *turn, Manager *manager, void (*go)(void *userdata), void *userdata) {
        Turns *turns = manager_turns(manager);

        *turn = (Turn){ .manager = manager, .go = go, .userdata = userdata };
        if (turns->n_taken < TURNS_MAX)
                turn_go(turn, turns);
        else
                TAILQ_INSERT_TAIL(&turns->waiting, turn, turns);
}

void turn_end(Turn *turn) {
        Manager *manager = turn->manager;

        if (!manager)
                return;

        Turns *turns = manager_turns(manager);
        turn->manager = NULL;
        if (!turn->taken) {
                TAILQ_REMOVE(&turns->waiting, turn, turns);
                return;
        }
        turns->n_taken--;

        /* Without a connection it is nobody's turn. */
        Turn *next = manager_is_ready(manager) ? TAILQ_FIRST(&turns->waiting) : NULL;
        if (next && turns->n_taken < TURNS_MAX) {
                TAILQ_REMOVE(&turns->waiting, next, turns);
                turn_go(next, turns);
        }
}
