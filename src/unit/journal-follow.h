/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/* Reads from the journal what a unit's processes write to their output, as it comes. */
typedef struct JournalFollow JournalFollow;

/* The callbacks must not call journal_follow_free(). */
typedef struct JournalFollowCallbacks {
        /*
         * A line without its newline; it may be empty. Not called after journal_follow_set_reading(f,
         * false).
         */
        void (*on_line)(void *userdata, const char *bytes, size_t n);
        /* After journal_follow_finish(): all lines were delivered. The last callback. */
        void (*on_end)(void *userdata);
} JournalFollowCallbacks;

/**
 * journal_follow_new() - follow the output of a unit, beginning with its last lines
 * @unit:      name of the unit
 * @of_nspawn: whether systemd-nspawn passes the output on; otherwise its lines are its own messages, and are
 *             left out
 * @n_lines:   how many of the last lines come first
 * @callbacks: must live as long as the follower; none is called from within a function of this header
 *
 * Return: 0 or a negative errno.
 */
int journal_follow_new(sd_event *event, const char *unit, bool of_nspawn, size_t n_lines,
        const JournalFollowCallbacks *callbacks, void *userdata, JournalFollow **ret);
JournalFollow *journal_follow_free(JournalFollow *follow);
DEFINE_CLEANUP(JournalFollow *, journal_follow_free)

/* False pauses the delivery of lines, without losing any; true continues it. */
void journal_follow_set_reading(JournalFollow *follow, bool reading);

/*
 * To be called after the unit has ended. Reads the remaining lines, waiting a moment since journald may lag
 * behind, and then calls on_end.
 */
void journal_follow_finish(JournalFollow *follow);
