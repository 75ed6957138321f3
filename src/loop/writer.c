/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "loop/priority.h"
#include "loop/writer.h"

struct Writer {
        sd_event *event;
        int fd;
        sd_event_source *source;
        StringBuffer buffer;
        size_t written; /* of the buffer */
        bool is_socket;
        bool closing;
        int error;
        WriterDrained drained;
        void *userdata;
};

static void writer_shut(Writer *writer) {
        writer->source = sd_event_source_disable_unref(writer->source);
        writer->fd = fd_close(writer->fd);
        string_buffer_clear(&writer->buffer);
        writer->written = 0;
}

static ssize_t writer_put(Writer *writer) {
        const char *bytes = writer->buffer.text + writer->written;

        if (writer->is_socket)
                return send(writer->fd, bytes, writer_pending(writer), MSG_DONTWAIT | MSG_NOSIGNAL);
        return write(writer->fd, bytes, writer_pending(writer));
}

/* Writes as much as the descriptor takes. Return: whether it need not wait: all is written, or it failed. */
static bool writer_flush(Writer *writer) {
        while (writer_pending(writer) > 0) {
                ssize_t n = writer_put(writer);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        return false;
                if (n < 0) {
                        writer->error = -errno;
                        writer_shut(writer);
                        return true;
                }
                writer->written += (size_t) n;
        }

        string_buffer_clear(&writer->buffer);
        writer->written = 0;
        if (writer->closing)
                writer_shut(writer);
        return true;
}

static void writer_wait(Writer *writer, bool wait) {
        if (writer->source)
                (void) sd_event_source_set_enabled(writer->source, wait ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int on_turn(sd_event_source *source _unused_, void *userdata) {
        Writer *writer = userdata;

        if (writer_flush(writer)) {
                writer_wait(writer, false);
                writer->drained(writer->userdata, writer->error);
        }
        return 0;
}

static int on_writable(sd_event_source *source, int fd _unused_, uint32_t events _unused_, void *userdata) {
        return on_turn(source, userdata);
}

Writer *writer_new(sd_event *event, WriterDrained drained, void *userdata) {
        Writer *writer = xnew(Writer, 1);

        *writer = (Writer){
                .event = sd_event_ref(event), .fd = -1, .drained = drained, .userdata = userdata
        };
        return writer;
}

Writer *writer_free(Writer *writer) {
        if (!writer)
                return NULL;

        writer_shut(writer);
        sd_event_unref(writer->event);
        free(writer);
        return NULL;
}

int writer_open(Writer *writer, int fd) {
        struct stat st;
        int r;

        writer->fd = fd;
        writer->is_socket = fstat(fd, &st) >= 0 && S_ISSOCK(st.st_mode);
        r = sd_event_add_io(writer->event, &writer->source, fd, EPOLLOUT, on_writable, writer);
        /* A regular file, or /dev/null, is always ready (epoll_ctl(2)). */
        if (r == -EPERM)
                r = sd_event_add_defer(writer->event, &writer->source, on_turn, writer);
        if (r >= 0)
                r = sd_event_source_set_priority(writer->source, LOOP_PRIORITY_STREAM);
        if (r < 0)
                return r;

        /*
         * Writes in the next turn of the loop, so that drained() is never called from within this function.
         */
        writer_wait(writer, writer_pending(writer) > 0 || writer->closing);
        return 0;
}

void writer_write(Writer *writer, const void *bytes, size_t n) {
        if (writer->error < 0 || writer->closing)
                return;

        if (writer->written > 0) {
                /* Drops the bytes that are written, so that the buffer holds only those that wait. */
                size_t rest = writer_pending(writer);

                memmove(writer->buffer.text, writer->buffer.text + writer->written, rest);
                writer->buffer.length = rest;
                writer->written = 0;
        }
        string_buffer_append_bytes(&writer->buffer, bytes, n);
        if (writer->fd >= 0)
                writer_wait(writer, true);
}

void writer_close(Writer *writer) {
        writer->closing = true;
        if (writer->fd >= 0)
                writer_wait(writer, true);
}

bool writer_has_failed(const Writer *writer) {
        return writer->error < 0;
}

size_t writer_pending(const Writer *writer) {
        return writer->buffer.length - writer->written;
}

int writer_fd(const Writer *writer) {
        return writer->fd;
}
