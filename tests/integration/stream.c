/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "box.h"

struct Stream {
        char *path;
        int fd;
        int stop;
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        StringBuffer buffer;
        bool ended;
};

/* Does not wait for a writer. poll() reports the end of the pipe only after there was a writer. */
static int pipe_open(const char *path) {
        return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Opens the pipe again after its end, because another run may write to it. */
static void *stream_thread(void *userdata) {
        Stream *stream = userdata;
        char bytes[65536];

        while (stream->fd >= 0) {
                struct pollfd fds[] = { { .fd = stream->fd, .events = POLLIN },
                        { .fd = stream->stop, .events = POLLIN } };

                if (poll(fds, ELEMENTSOF(fds), -1) < 0)
                        continue;
                if (fds[1].revents)
                        break;

                ssize_t n = read(stream->fd, bytes, sizeof(bytes));
                if (n == 0) {
                        int again = pipe_open(stream->path);

                        (void) fd_close(stream->fd);
                        stream->fd = again;
                }
                (void) pthread_mutex_lock(&stream->mutex);
                if (n > 0)
                        string_buffer_append_bytes(&stream->buffer, bytes, (size_t) n);
                stream->ended = n == 0;
                (void) pthread_cond_broadcast(&stream->changed);
                (void) pthread_mutex_unlock(&stream->mutex);
        }
        return NULL;
}

Stream *stream_new(const char *path) {
        Stream *stream = xnew(Stream, 1);
        pthread_condattr_t attributes;

        stream->path = xstrdup(path);
        stream->fd = pipe_open(path);
        cr_assert_geq(stream->fd, 0, "%s: %s", path, strerror(errno));
        stream->stop = eventfd(0, EFD_CLOEXEC);
        (void) pthread_mutex_init(&stream->mutex, NULL);
        (void) pthread_condattr_init(&attributes);
        (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        (void) pthread_cond_init(&stream->changed, &attributes);
        (void) pthread_condattr_destroy(&attributes);
        cr_assert_eq(pthread_create(&stream->thread, NULL, stream_thread, stream), 0);
        return stream;
}

Stream *stream_free(Stream *stream) {
        if (!stream)
                return NULL;

        (void) eventfd_write(stream->stop, 1);
        (void) pthread_join(stream->thread, NULL);
        (void) pthread_cond_destroy(&stream->changed);
        (void) pthread_mutex_destroy(&stream->mutex);
        (void) fd_close(stream->fd);
        (void) fd_close(stream->stop);
        string_buffer_clear(&stream->buffer);
        free(stream->path);
        free(stream);
        return NULL;
}

static bool has_text(const Stream *stream, size_t skip, const char *text) {
        if (!text)
                return stream->ended;
        return stream->buffer.length > skip &&
                memmem(stream->buffer.text + skip, stream->buffer.length - skip, text, strlen(text));
}

static bool wait_for(Stream *stream, size_t skip, const char *text) {
        struct timespec until;
        bool found;

        (void) clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LIMIT_MSEC / 1000;

        (void) pthread_mutex_lock(&stream->mutex);
        while (!has_text(stream, skip, text))
                if (pthread_cond_timedwait(&stream->changed, &stream->mutex, &until) == ETIMEDOUT)
                        break;
        found = has_text(stream, skip, text);
        (void) pthread_mutex_unlock(&stream->mutex);
        return found;
}

static char *copy(Stream *stream, size_t *ret_size) {
        (void) pthread_mutex_lock(&stream->mutex);
        char *text = xcalloc(stream->buffer.length + 1, 1);
        if (stream->buffer.length > 0)
                memcpy(text, stream->buffer.text, stream->buffer.length);
        if (ret_size)
                *ret_size = stream->buffer.length;
        (void) pthread_mutex_unlock(&stream->mutex);
        return text;
}

void stream_wait_text(Stream *stream, const char *text) {
        stream_wait_text_after(stream, 0, text);
}

void stream_wait_text_after(Stream *stream, size_t skip, const char *text) {
        bool found = wait_for(stream, skip, text);
        _cleanup_free_ char *all = copy(stream, NULL);

        cr_assert(found, "\"%s\" did not come, but:\n%s", text, all);
}

char *stream_wait_end(Stream *stream, size_t *ret_size) {
        bool ended = wait_for(stream, 0, NULL);
        char *all = copy(stream, ret_size);

        cr_assert(ended, "the pipe is still held open; it gave:\n%s", all);
        return all;
}

char *stream_text(Stream *stream) {
        return copy(stream, NULL);
}
