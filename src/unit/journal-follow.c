/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <sys/epoll.h>

#include "base/string.h"
#include "loop/priority.h"
#include "unit/journal-follow.h"
#include "unit/journal.h"

/*
 * MESSAGE_ID of the note that systemd writes when a unit is dead, one or the other (sd-messages.h,
 * SD_MESSAGE_UNIT_SUCCESS and SD_MESSAGE_UNIT_FAILURE_RESULT; systemd 252 to 256).
 */
#define MESSAGE_ID_SUCCESS "7ad2d189f7e94e70a38c781354912448"
#define MESSAGE_ID_FAILURE "d9b373ed55a64feb8242e02dbe79a49c"

/* How long journald may lag behind the end of a unit. */
#define LIMIT_USEC (500 * USEC_PER_MSEC)

struct JournalFollow {
        sd_event *event;
        sd_journal *journal;
        bool of_nspawn;
        sd_event_source *io;
        sd_event_source *turn;
        sd_event_source *limit;
        bool reading;
        bool at_entry; /* the journal is at an entry that was not read yet */
        bool noted;    /* systemd says that the unit is dead, and nothing was written since */
        bool finishing;
        bool late; /* no more entries are waited for */
        const JournalFollowCallbacks *callbacks;
        void *userdata;
};

/* Return: what the field holds, owned by the journal, or NULL. */
static const char *entry_field(sd_journal *journal, const char *name, size_t *ret_length) {
        size_t length, skip = strlen(name) + 1;
        const void *data;

        if (sd_journal_get_data(journal, name, &data, &length) < 0 || length < skip)
                return NULL;
        *ret_length = length - skip;
        return (const char *) data + skip;
}

/*
 * Return: whether systemd wrote the entry. Only its own entries have a MESSAGE_ID; lines from stdout and
 * stderr have only a text.
 */
static bool entry_is_note(sd_journal *journal) {
        size_t length;

        return entry_field(journal, "MESSAGE_ID", &length);
}

/*
 * Return: whether the entry is output of the task. The unit also has other processes: nspawn, and our helper
 * at the end.
 */
static bool entry_is_output(const JournalFollow *follow) {
        static const char nspawn[] = "systemd-nspawn", helper[] = "nspawn-units-he";
        size_t length = 0;
        const char *name = entry_field(follow->journal, "_COMM", &length);

        if (!name)
                return true;
        if (length == strlen(helper) && memcmp(name, helper, length) == 0)
                return false;
        return follow->of_nspawn || length != strlen(nspawn) || memcmp(name, nspawn, length) != 0;
}

static void follow_take_entry(JournalFollow *follow) {
        size_t length;

        follow->noted = entry_is_note(follow->journal);
        if (follow->noted || !entry_is_output(follow))
                return;

        const char *message = entry_field(follow->journal, "MESSAGE", &length);
        if (message)
                follow->callbacks->on_line(follow->userdata, message, length);
}

static void follow_end(JournalFollow *follow) {
        follow->io = sd_event_source_disable_unref(follow->io);
        follow->turn = sd_event_source_disable_unref(follow->turn);
        follow->limit = sd_event_source_disable_unref(follow->limit);
        follow->callbacks->on_end(follow->userdata);
}

static void follow_read(JournalFollow *follow) {
        while (follow->reading && (follow->at_entry || sd_journal_next(follow->journal) > 0)) {
                follow->at_entry = false;
                follow_take_entry(follow);
        }
        if (follow->reading && follow->finishing && (follow->noted || follow->late))
                follow_end(follow);
}

static int on_journal(
        sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        JournalFollow *follow = userdata;

        (void) sd_journal_process(follow->journal);
        follow_read(follow);
        return 0;
}

static int on_turn(sd_event_source *source _unused_, void *userdata) {
        follow_read(userdata);
        return 0;
}

static int on_limit(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        JournalFollow *follow = userdata;

        follow->late = true;
        follow_read(follow);
        return 0;
}

/* Selects what the unit's processes wrote, and what systemd wrote about its end. */
static int follow_match(sd_journal *journal, const char *unit) {
        _cleanup_free_ char *written = xasprintf("_SYSTEMD_UNIT=%s", unit);
        _cleanup_free_ char *about = xasprintf("UNIT=%s", unit);
        const char *const rows[] = { written, "_TRANSPORT=stdout", NULL, about, "_PID=1",
                "MESSAGE_ID=" MESSAGE_ID_SUCCESS, "MESSAGE_ID=" MESSAGE_ID_FAILURE };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(rows) && r >= 0; i++)
                r = rows[i] ? sd_journal_add_match(journal, rows[i], 0)
                            : sd_journal_add_disjunction(journal);
        return r;
}

/* Goes back to the first of the last @n_lines lines. */
static int follow_seek(JournalFollow *follow, size_t n_lines) {
        int r = sd_journal_seek_tail(follow->journal);

        for (size_t n = 0; r >= 0 && n < n_lines;) {
                r = sd_journal_previous(follow->journal);
                if (r == 0)
                        return sd_journal_seek_head(follow->journal);
                n += r > 0 && !entry_is_note(follow->journal) && entry_is_output(follow);
        }
        follow->at_entry = n_lines > 0;
        return r;
}

static int follow_open(JournalFollow *follow, const char *unit, size_t n_lines) {
        int r = sd_journal_open(&follow->journal, JOURNAL_OPEN_FLAGS);

        /* Do not cut off long lines. */
        if (r >= 0)
                r = sd_journal_set_data_threshold(follow->journal, 0);
        if (r >= 0)
                r = follow_match(follow->journal, unit);
        /* Before the search, so that the descriptor reports entries that come meanwhile. */
        if (r >= 0)
                r = sd_journal_get_fd(follow->journal);
        if (r >= 0)
                r = sd_event_add_io(follow->event, &follow->io, r, EPOLLIN, on_journal, follow);
        if (r >= 0)
                r = sd_event_source_set_priority(follow->io, LOOP_PRIORITY_STREAM);
        if (r >= 0)
                r = follow_seek(follow, n_lines);
        if (r >= 0)
                r = sd_event_add_defer(follow->event, &follow->turn, on_turn, follow);
        if (r >= 0)
                r = sd_event_source_set_priority(follow->turn, LOOP_PRIORITY_STREAM);
        return r < 0 ? r : 0;
}

int journal_follow_new(sd_event *event, const char *unit, bool of_nspawn, size_t n_lines,
        const JournalFollowCallbacks *callbacks, void *userdata, JournalFollow **ret) {
        _cleanup_(journal_follow_freep) JournalFollow *follow = xnew(JournalFollow, 1);
        int r;

        *follow = (JournalFollow){
                .event = sd_event_ref(event),
                .of_nspawn = of_nspawn,
                .reading = true,
                .callbacks = callbacks,
                .userdata = userdata,
        };
        r = follow_open(follow, unit, n_lines);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(follow);
        return 0;
}

JournalFollow *journal_follow_free(JournalFollow *follow) {
        if (!follow)
                return NULL;

        sd_event_source_disable_unref(follow->io);
        sd_event_source_disable_unref(follow->turn);
        sd_event_source_disable_unref(follow->limit);
        sd_journal_close(follow->journal);
        sd_event_unref(follow->event);
        free(follow);
        return NULL;
}

static void follow_take_turn(const JournalFollow *follow) {
        if (follow->turn)
                (void) sd_event_source_set_enabled(follow->turn, SD_EVENT_ONESHOT);
}

void journal_follow_set_reading(JournalFollow *follow, bool reading) {
        follow->reading = reading;
        if (follow->io)
                (void) sd_event_source_set_enabled(follow->io, reading ? SD_EVENT_ON : SD_EVENT_OFF);
        if (reading)
                follow_take_turn(follow);
}

void journal_follow_finish(JournalFollow *follow) {
        if (follow->finishing)
                return;
        follow->finishing = true;
        if (sd_event_add_time_relative(
                    follow->event, &follow->limit, CLOCK_MONOTONIC, LIMIT_USEC, 0, on_limit, follow) < 0)
                follow->late = true;
        follow_take_turn(follow);
}
