/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "engine/engine.h"

/*
 * Tasks that no agent will ever ask for, because the client state of the node that started them is lost. The
 * driver looks for them once, when an agent begins to use it. It reports each one in the log, and ends it
 * after orphan_timeout if the operator has set that.
 */
typedef struct Orphan Orphan;

typedef struct Orphans {
        sd_event *event;
        Engine *engine;
        char *node; /* id of the agent's node; NULL while it is not known */
        LIST_HEAD(, Orphan) list;
        sd_event_source *timer;
} Orphans;

/**
 * orphans_find() - note where the agent's node keeps its client state, and look for tasks of lost nodes
 * @agent:        pid of the agent
 * @timeout_usec: how long until orphans are ended; 0: they are only reported
 */
void orphans_find(Orphans *orphans, pid_t agent, uint64_t timeout_usec);

/* Forgets the orphans that were found, and stops the timer that would end them. */
void orphans_drop(Orphans *orphans);

void orphans_deinit(Orphans *orphans);
