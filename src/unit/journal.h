/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>

#include "base/macro.h"

/*
 * Opens the files of all users: journald stores what ordinary users write in separate files, and systemd 252
 * takes the users of a user namespace for ordinary users (uid_for_system_journal(), journald-server.c).
 */
#define JOURNAL_OPEN_FLAGS SD_JOURNAL_LOCAL_ONLY

/* Reads from the journal what a unit wrote before it failed. */
typedef struct JournalWords JournalWords;

/**
 * JournalWordsDone - the lines were read
 * @words: the last lines, joined with "; "; NULL when there are none
 */
typedef void (*JournalWordsDone)(void *userdata, const char *words);

/**
 * journal_words_new() - read the last lines a unit wrote
 * @unit:       name of the unit
 * @since_usec: realtime; older lines are of another unit with this name
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
