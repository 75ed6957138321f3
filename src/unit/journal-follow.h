/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/* What a unit's processes write to their output, from the journal, as it comes. */
typedef struct JournalFollow JournalFollow;

/* journal_follow_free() may not be called in them. */
typedef struct JournalFollowCallbacks {
        /* A line, without its end; it may be empty. Is not called after journal_follow_set_reading(f,
         * false). */
        void (*on_line)(void *userdata, const char *bytes, size_t n);
        /* After journal_follow_finish(): all was told. The last callback. */
        void (*on_end)(void *userdata);
} JournalFollowCallbacks;

/**
 * journal_follow_new() - begin with the last lines
 * @unit:      name of the unit
 * @of_nspawn: systemd-nspawn passes the output on; otherwise what it writes are words of its own, and left
 * out
 * @n_lines:   how many of the last lines come first
 * @callbacks: must live as long as the follower; none is called from within a function of it
 *
 * Return: 0 or a negative errno.
 */
int journal_follow_new(sd_event *event, const char *unit, bool of_nspawn, size_t n_lines,
        const JournalFollowCallbacks *callbacks, void *userdata, JournalFollow **ret);
JournalFollow *journal_follow_free(JournalFollow *follow);
DEFINE_CLEANUP(JournalFollow *, journal_follow_free)

/* False leaves lines where they are; true goes on. */
void journal_follow_set_reading(JournalFollow *follow, bool reading);

/* The unit ended: reads what journald, which may lag behind, has to say still, and ends. */
void journal_follow_finish(JournalFollow *follow);
