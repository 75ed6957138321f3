/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/string.h"
#include "base/strv.h"
#include "loop/must.h"
#include "unit/journal.h"

/* systemd's message about a main process that ended badly (catalog, SD_MESSAGE_UNIT_PROCESS_EXIT). */
#define MESSAGE_ID_PROCESS_EXIT "98e322203f7a4ed290d09fe03c09fe15"

/* What an operator will read in one message; the rest is in the journal. */
#define LINES_MAX 5
#define LINE_LENGTH_MAX 400

/* How many of the last entries are read: a unit may have written for weeks. */
#define ENTRIES_MAX 100

/*
 * How long it may take to open and search the files, in addition to the wait for journald: 2.2 s were
 * measured.
 */
#define FILES_LIMIT_USEC (10 * USEC_PER_SEC)

/* How many are read at once; others wait. */
#define READINGS_MAX 8

/*
 * Messages of nspawn about things that do not keep a container from starting (nspawn.c, nspawn-network.c,
 * systemd 252 to 257). They must not appear before the reason of a failure, or instead of it.
 */
static const char *const harmless[] = {
        "/etc/localtime",
        "interface naming scheme",
        "to fit length constraints",
        ", ignoring",
        "proceeding anyway",
        "Automatically implying",
};

/*
 * To open and search the journal takes seconds if it has many files and none of them is in memory, so a
 * thread does it. The thread and the loop share this struct; the last of the two to release it frees it.
 */
typedef struct Reading {
        atomic_int n_users;
        atomic_bool unwanted; /* nobody waits for the result any more */
        char *unit;
        uint64_t since_usec, limit_usec;
        int done_fd; /* eventfd: the thread is done, and does not touch the lines any more */

        /* used only by the thread until it is done */
        sd_journal *journal;
        char **lines;
        bool ended; /* systemd noted the end */
} Reading;

struct JournalWords {
        Reading *reading;
        sd_event_source *finished;
        sd_event_source *limit;
        JournalWordsDone done;
        void *userdata;
};

static void reading_release(Reading *reading) {
        if (atomic_fetch_sub(&reading->n_users, 1) > 1)
                return;

        reading->done_fd = fd_close(reading->done_fd);
        strv_free(reading->lines);
        free(reading->unit);
        free(reading);
}

static char *entry_field(sd_journal *journal, const char *name) {
        const void *data;
        size_t length, skip = strlen(name) + 1;

        if (sd_journal_get_data(journal, name, &data, &length) < 0 || length < skip)
                return NULL;
        return utf8_sanitize((const char *) data + skip, length - skip);
}

/*
 * Return: whether PID 1 wrote the entry. A process of the unit can forge all fields but those that journald
 * adds, which begin with an underscore.
 */
static bool entry_is_of_systemd(sd_journal *journal) {
        _cleanup_free_ char *text = entry_field(journal, "_PID");
        uint64_t pid;

        return text && string_parse_u64(text, &pid) && pid == 1;
}

static void add_line(Reading *reading, char *line) {
        if (strlen(line) > LINE_LENGTH_MAX)
                line[LINE_LENGTH_MAX] = 0;
        strv_consume(&reading->lines, utf8_sanitize(line, strlen(line)));

        if (strv_length(reading->lines) > LINES_MAX) {
                free(reading->lines[0]);
                memmove(reading->lines, reading->lines + 1, (LINES_MAX + 1) * sizeof(char *));
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

static void read_entries(Reading *reading) {
        sd_journal *journal = reading->journal;

        while (!atomic_load(&reading->unwanted) && sd_journal_next(journal) > 0) {
                _cleanup_free_ char *id = entry_field(journal, "MESSAGE_ID");
                _cleanup_free_ char *message = entry_field(journal, "MESSAGE");
                _cleanup_free_ char *command = entry_field(journal, "_COMM");

                if (streq_null(id, MESSAGE_ID_PROCESS_EXIT) && entry_is_of_systemd(journal))
                        reading->ended = true;
                else if (!id && !string_is_empty(message) && !is_harmless(command, message))
                        add_line(reading, message);
        }
}

/* Selects what the unit's processes wrote, and what systemd itself wrote about the unit's end. */
static int journal_match(sd_journal *journal, const char *unit) {
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

static int journal_seek(sd_journal *journal, uint64_t since_usec) {
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

/* Each reading opens all files and has an inotify instance, of which the kernel gives a user 128. */
static struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        unsigned n;
} readings = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

static void readings_enter(void) {
        (void) pthread_mutex_lock(&readings.mutex);
        while (readings.n >= READINGS_MAX)
                (void) pthread_cond_wait(&readings.changed, &readings.mutex);
        readings.n++;
        (void) pthread_mutex_unlock(&readings.mutex);
}

static void readings_leave(void) {
        (void) pthread_mutex_lock(&readings.mutex);
        readings.n--;
        (void) pthread_cond_signal(&readings.changed);
        (void) pthread_mutex_unlock(&readings.mutex);
}

/* Reads the lines, and waits for them until @limit_usec is over, since journald may lag behind. */
static void reading_read(Reading *reading) {
        uint64_t until = clock_monotonic_usec() + reading->limit_usec, now;

        if (sd_journal_open(&reading->journal, JOURNAL_OPEN_FLAGS) < 0 ||
                journal_match(reading->journal, reading->unit) < 0 ||
                journal_seek(reading->journal, reading->since_usec) < 0)
                return;

        /* Existing entries are read in any case, however long it took to open the files. */
        read_entries(reading);
        while (!(reading->ended && !strv_is_empty(reading->lines)) && !atomic_load(&reading->unwanted) &&
                (now = clock_monotonic_usec()) < until &&
                sd_journal_wait(reading->journal, until - now) >= 0)
                read_entries(reading);
}

static void *reading_thread(void *userdata) {
        static const uint64_t one = 1;
        Reading *reading = userdata;

        readings_enter();
        if (!atomic_load(&reading->unwanted))
                reading_read(reading);
        /* Here and not by whoever is last: to close files takes time as well. */
        sd_journal_close(reading->journal);
        readings_leave();
        while (write(reading->done_fd, &one, sizeof(one)) < 0 && errno == EINTR)
                ;
        reading_release(reading);
        return NULL;
}

/* Return: 0 or a negative errno. */
static int reading_begin(Reading *reading) {
        pthread_attr_t attributes;
        sigset_t all, before;
        pthread_t thread;

        reading->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (reading->done_fd < 0)
                return -errno;

        /* The thread blocks all signals, because the loop handles them. */
        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        (void) pthread_attr_init(&attributes);
        (void) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        atomic_fetch_add(&reading->n_users, 1);
        int r = pthread_create(&thread, &attributes, reading_thread, reading);
        (void) pthread_attr_destroy(&attributes);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r > 0)
                atomic_fetch_sub(&reading->n_users, 1);
        return -r;
}

static int on_finished(
        sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        JournalWords *words = userdata;
        char **lines = words->reading->lines;
        _cleanup_free_ char *text = strv_is_empty(lines) ? NULL : strv_join(lines, "; ");

        words->finished = sd_event_source_disable_unref(words->finished);
        words->limit = sd_event_source_disable_unref(words->limit);
        words->done(words->userdata, text);
        return 0;
}

/* The thread hangs, for example because a disk does not answer. */
static int on_limit(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        JournalWords *words = userdata;

        words->finished = sd_event_source_disable_unref(words->finished);
        words->limit = sd_event_source_disable_unref(words->limit);
        words->done(words->userdata, NULL);
        return 0;
}

JournalWords *journal_words_new(sd_event *event, const char *unit, uint64_t since_usec, uint64_t limit_usec,
        JournalWordsDone done, void *userdata) {
        _cleanup_(journal_words_freep) JournalWords *words = xnew(JournalWords, 1);
        Reading *reading = xnew(Reading, 1);

        words->reading = reading;
        words->done = done;
        words->userdata = userdata;
        atomic_init(&reading->n_users, 1);
        atomic_init(&reading->unwanted, false);
        reading->unit = xstrdup(unit);
        reading->since_usec = since_usec;
        reading->limit_usec = limit_usec;
        if (reading_begin(reading) < 0)
                return NULL;

        event_must(sd_event_add_io(event, &words->finished, reading->done_fd, EPOLLIN, on_finished, words));
        event_must(sd_event_add_time_relative(
                event, &words->limit, CLOCK_MONOTONIC, limit_usec + FILES_LIMIT_USEC, 0, on_limit, words));
        return TAKE_PTR(words);
}

JournalWords *journal_words_free(JournalWords *words) {
        if (!words)
                return NULL;

        sd_event_source_disable_unref(words->finished);
        sd_event_source_disable_unref(words->limit);
        atomic_store(&words->reading->unwanted, true);
        reading_release(words->reading);
        free(words);
        return NULL;
}
