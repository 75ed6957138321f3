/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <sys/epoll.h>

#include "base/string.h"
#include "base/strv.h"
#include "unit/journal.h"

/* systemd's message about a main process that ended badly (catalog, SD_MESSAGE_UNIT_PROCESS_EXIT). */
#define MESSAGE_ID_PROCESS_EXIT "98e322203f7a4ed290d09fe03c09fe15"

/* What an operator can take in; the rest is in the journal. */
#define LINES_MAX 5
#define LINE_LENGTH_MAX 400

/* The last entries that are looked at: a unit may have written for weeks, and the loop waits meanwhile. */
#define ENTRIES_MAX 100

/*
 * What nspawn says of things that do not keep a container from starting (nspawn.c, nspawn-network.c, systemd
 * 252 to 257): it would stand before the reason, or instead of it.
 */
static const char *const harmless[] = {
        "/etc/localtime",
        "interface naming scheme",
        "to fit length constraints",
        ", ignoring",
        "proceeding anyway",
        "Automatically implying",
};

struct JournalWords {
        sd_journal *journal;
        sd_event_source *io;
        sd_event_source *limit;
        sd_event_source *first;
        char **lines;
        bool ended; /* systemd noted the end */
        JournalWordsDone done;
        void *userdata;
};

static void words_finish(JournalWords *words) {
        _cleanup_free_ char *text = strv_is_empty(words->lines) ? NULL : strv_join(words->lines, "; ");

        words->io = sd_event_source_disable_unref(words->io);
        words->limit = sd_event_source_disable_unref(words->limit);
        words->first = sd_event_source_disable_unref(words->first);
        words->done(words->userdata, text);
}

static char *entry_field(sd_journal *journal, const char *name) {
        const void *data;
        size_t length, skip = strlen(name) + 1;

        if (sd_journal_get_data(journal, name, &data, &length) < 0 || length < skip)
                return NULL;
        return utf8_sanitize((const char *) data + skip, length - skip);
}

/* A process of the unit may send any field but those that journald adds, which have an underscore. */
static bool entry_is_of_systemd(sd_journal *journal) {
        _cleanup_free_ char *text = entry_field(journal, "_PID");
        uint64_t pid;

        return text && string_parse_u64(text, &pid) && pid == 1;
}

static void add_line(JournalWords *words, char *line) {
        if (strlen(line) > LINE_LENGTH_MAX)
                line[LINE_LENGTH_MAX] = 0;
        strv_consume(&words->lines, utf8_sanitize(line, strlen(line)));

        if (strv_length(words->lines) > LINES_MAX) {
                free(words->lines[0]);
                memmove(words->lines, words->lines + 1, (LINES_MAX + 1) * sizeof(char *));
        }
}

static bool is_harmless(const char *command, const char *line) {
        if (!streq_null(command, "systemd-nspawn"))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(harmless); i++)
                if (strstr(line, harmless[i]))
                        return true;
        return false;
}

static void read_entries(JournalWords *words) {
        while (sd_journal_next(words->journal) > 0) {
                _cleanup_free_ char *id = entry_field(words->journal, "MESSAGE_ID");
                _cleanup_free_ char *message = entry_field(words->journal, "MESSAGE");
                _cleanup_free_ char *command = entry_field(words->journal, "_COMM");

                if (streq_null(id, MESSAGE_ID_PROCESS_EXIT) && entry_is_of_systemd(words->journal))
                        words->ended = true;
                else if (!id && !string_is_empty(message) && !is_harmless(command, message))
                        add_line(words, message);
        }
}

static void words_look(JournalWords *words) {
        read_entries(words);
        if (words->ended && !strv_is_empty(words->lines))
                words_finish(words);
}

static int on_journal(
        sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        JournalWords *words = userdata;

        (void) sd_journal_process(words->journal);
        words_look(words);
        return 0;
}

static int on_first(sd_event_source *source _unused_, void *userdata) {
        words_look(userdata);
        return 0;
}

static int on_limit(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        JournalWords *words = userdata;

        read_entries(words);
        words_finish(words);
        return 0;
}

/* Either what the unit's processes wrote, or what systemd itself says of the unit's end. */
static int words_match(sd_journal *journal, const char *unit) {
        _cleanup_free_ char *written = xasprintf("_SYSTEMD_UNIT=%s", unit);
        _cleanup_free_ char *about = xasprintf("UNIT=%s", unit);
        int r;

        r = sd_journal_add_match(journal, written, 0);
        if (r >= 0)
                r = sd_journal_add_disjunction(journal);
        if (r >= 0)
                r = sd_journal_add_match(journal, about, 0);
        if (r >= 0)
                r = sd_journal_add_match(journal, "_PID=1", 0);
        if (r >= 0)
                r = sd_journal_add_match(journal, "MESSAGE_ID=" MESSAGE_ID_PROCESS_EXIT, 0);
        return r;
}

static int words_seek(sd_journal *journal, uint64_t since_usec) {
        uint64_t usec = UINT64_MAX;
        int r = sd_journal_seek_tail(journal);

        for (int n = 0; r >= 0 && n < ENTRIES_MAX && usec >= since_usec; n++) {
                r = sd_journal_previous(journal);
                if (r == 0)
                        return sd_journal_seek_head(journal);
                if (r > 0)
                        r = sd_journal_get_realtime_usec(journal, &usec);
        }
        return r;
}

JournalWords *journal_words_new(sd_event *event, const char *unit, uint64_t since_usec, uint64_t limit_usec,
        JournalWordsDone done, void *userdata) {
        _cleanup_(journal_words_freep) JournalWords *words = xnew(JournalWords, 1);
        int r, fd;

        words->done = done;
        words->userdata = userdata;

        r = sd_journal_open(&words->journal, JOURNAL_OPEN_FLAGS);
        if (r >= 0)
                r = words_match(words->journal, unit);
        if (r >= 0)
                r = words_seek(words->journal, since_usec);
        if (r < 0)
                return NULL;

        fd = sd_journal_get_fd(words->journal);
        if (fd < 0)
                return NULL;
        r = sd_event_add_io(event, &words->io, fd, EPOLLIN, on_journal, words);
        if (r >= 0)
                r = sd_event_add_time_relative(
                        event, &words->limit, CLOCK_MONOTONIC, limit_usec, 0, on_limit, words);
        if (r >= 0)
                r = sd_event_add_defer(event, &words->first, on_first, words);
        return r < 0 ? NULL : TAKE_PTR(words);
}

JournalWords *journal_words_free(JournalWords *words) {
        if (!words)
                return NULL;

        sd_event_source_disable_unref(words->io);
        sd_event_source_disable_unref(words->limit);
        sd_event_source_disable_unref(words->first);
        sd_journal_close(words->journal);
        strv_free(words->lines);
        free(words);
        return NULL;
}
