/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>

#include "base/macro.h"

/*
 * The files of all users: journald keeps what ordinary users write in files of their own, and systemd 252
 * takes those of a user namespace for such (uid_for_system_journal(), journald-server.c).
 */
#define JOURNAL_OPEN_FLAGS SD_JOURNAL_LOCAL_ONLY

/* What a unit said before it failed, from the journal. */
typedef struct JournalWords JournalWords;

/**
 * JournalWordsDone - the words are here
 * @words: the last lines, joined with "; "; NULL when there are none
 */
typedef void (*JournalWordsDone)(void *userdata, const char *words);

/**
 * journal_words_new() - read the last lines a unit wrote
 * @unit:       name of the unit
 * @since_usec: realtime; older lines belong to a namesake
 * @limit_usec: how long to wait for journald, which may lag behind the unit's end
 *
 * Waits until both the unit's lines and systemd's note of the failed process are there; journald gets them
 * from different senders, and after the second the first are complete in all but rare cases. @done is
 * called once, never from within this function.
 *
 * Return: the reader, to be freed by the caller, at the latest when @done was called; NULL when the journal
 * cannot be read.
 */
JournalWords *journal_words_new(sd_event *event, const char *unit, uint64_t since_usec, uint64_t limit_usec,
        JournalWordsDone done, void *userdata);
JournalWords *journal_words_free(JournalWords *words);
DEFINE_CLEANUP(JournalWords *, journal_words_free)
