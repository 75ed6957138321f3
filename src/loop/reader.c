/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "loop/priority.h"
#include "loop/reader.h"

/* More bytes than a terminal can still hold. */
#define TERMINAL_REST_MAX (1024 * 1024)

struct Reader {
        sd_event *event;
        int fd;
        sd_event_source *source;
        bool enabled;
        bool ended;
        bool finishing;
        size_t rest; /* bytes still to read, when finishing */
        const ReaderCallbacks *callbacks;
        void *userdata;
};

static void reader_end(Reader *reader, int error) {
        reader->ended = true;
        reader->source = sd_event_source_disable_unref(reader->source);
        reader->callbacks->on_end(reader->userdata, error);
}

static int reader_read(Reader *reader) {
        static char chunk[READER_CHUNK];
        size_t wanted = sizeof(chunk);

        if (reader->finishing && reader->rest < wanted)
                wanted = reader->rest;
        ssize_t n = wanted > 0 ? read(reader->fd, chunk, wanted) : 0;

        if (n < 0 && errno == EINTR)
                return 0;
        if (n < 0 && errno == EAGAIN && !reader->finishing)
                return 0;

        if (n <= 0) {
                /* A terminal whose other side is closed fails with EIO. */
                bool regular = n == 0 || errno == EAGAIN || errno == EIO;

                reader_end(reader, regular ? 0 : -errno);
                return 0;
        }

        reader->rest -= reader->finishing ? (size_t) n : 0;
        reader->callbacks->on_data(reader->userdata, chunk, (size_t) n);
        return 0;
}

static int on_readable(
        sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        return reader_read(userdata);
}

static void reader_apply(Reader *reader) {
        if (reader->source)
                (void) sd_event_source_set_enabled(
                        reader->source, reader->enabled ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int on_turn(sd_event_source *source, void *userdata);

/*
 * Schedules one read from a defer source. Each read needs a new source, which sd-event puts behind all
 * sources that are ready already (priority.h).
 */
static int reader_take_turn(Reader *reader) {
        reader->source = sd_event_source_disable_unref(reader->source);
        int r = sd_event_add_defer(reader->event, &reader->source, on_turn, reader);
        if (r >= 0)
                r = sd_event_source_set_priority(reader->source, LOOP_PRIORITY_STREAM);
        if (r >= 0)
                reader_apply(reader);
        return r;
}

static int on_turn(sd_event_source *source _unused_, void *userdata) {
        Reader *reader = userdata;
        int r = reader_take_turn(reader);

        if (r < 0)
                reader_end(reader, r);
        return r < 0 ? 0 : reader_read(reader);
}

int reader_new(sd_event *event, int fd, const ReaderCallbacks *callbacks, void *userdata, Reader **ret) {
        Reader *reader = xnew(Reader, 1);

        *reader = (Reader){
                .event = sd_event_ref(event),
                .fd = fd,
                .enabled = true,
                .callbacks = callbacks,
                .userdata = userdata,
        };

        int r = sd_event_add_io(event, &reader->source, fd, EPOLLIN, on_readable, reader);
        /* A regular file, or /dev/null, is always ready (epoll_ctl(2)). */
        if (r == -EPERM)
                r = reader_take_turn(reader);
        else if (r >= 0)
                r = sd_event_source_set_priority(reader->source, LOOP_PRIORITY_STREAM);
        if (r < 0) {
                reader_free(reader);
                return r;
        }

        *ret = reader;
        return 0;
}

Reader *reader_free(Reader *reader) {
        if (!reader)
                return NULL;

        sd_event_source_disable_unref(reader->source);
        sd_event_unref(reader->event);
        fd_close(reader->fd);
        free(reader);
        return NULL;
}

void reader_set_enabled(Reader *reader, bool enabled) {
        reader->enabled = enabled;
        reader_apply(reader);
}

void reader_finish(Reader *reader) {
        int n = 0;

        if (reader->ended || reader->finishing)
                return;

        reader->finishing = true;
        if (isatty(reader->fd))
                n = TERMINAL_REST_MAX;
        else
                (void) ioctl(reader->fd, FIONREAD, &n);
        reader->rest = n > 0 ? (size_t) n : 0;

        int r = reader_take_turn(reader);
        if (r < 0)
                reader_end(reader, r);
}

bool reader_has_ended(const Reader *reader) {
        return reader->ended;
}
