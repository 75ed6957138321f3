/* SPDX-License-Identifier: Apache-2.0 */

#include "bus/turn.h"

typedef struct Turns {
        SystemBus *system_bus;
        TAILQ_HEAD(, Turn) waiting;
        unsigned n_taken;
        bool gives; /* turns_give() runs; a nested call leaves the work to it */
} Turns;

static void turns_init(void *share, SystemBus *system_bus) {
        Turns *turns = share;

        turns->system_bus = system_bus;
        TAILQ_INIT(&turns->waiting);
}

static void turns_give(Turns *turns) {
        Turn *turn;

        if (turns->gives)
                return;

        turns->gives = true;
        while (turns->n_taken < TURNS_MAX && system_bus_is_ready(turns->system_bus) &&
                (turn = TAILQ_FIRST(&turns->waiting))) {
                TAILQ_REMOVE(&turns->waiting, turn, turns);
                turn->taken = true;
                turns->n_taken++;
                turn->go(turn->userdata);
        }
        turns->gives = false;
}

static int turns_opened(void *userdata, sd_bus *bus _unused_) {
        turns_give(userdata);
        return 0;
}

static const BusShareType turns_type = {
        .size = sizeof(Turns),
        .init = turns_init,
        .observer = { .opened = turns_opened },
};

void turn_take(Turn *turn, SystemBus *system_bus, void (*go)(void *userdata), void *userdata) {
        Turns *turns = system_bus_share(system_bus, &turns_type);

        *turn = (Turn){ .queue = turns, .go = go, .userdata = userdata };
        TAILQ_INSERT_TAIL(&turns->waiting, turn, turns);
        turns_give(turns);
}

void turn_end(Turn *turn) {
        Turns *turns = turn->queue;

        if (!turns)
                return;

        turn->queue = NULL;
        if (turn->taken)
                turns->n_taken--;
        else
                TAILQ_REMOVE(&turns->waiting, turn, turns);
        turns_give(turns);
}
