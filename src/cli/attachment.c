/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/attach.h"
#include "base/fd.h"
#include "base/string.h"
#include "cli/attachment.h"
#include "loop/priority.h"

/* How much input may wait to be sent before attachment_write() reports that there is no room. */
#define INPUT_LIMIT (64 * 1024)

struct Attachment {
        int fd;
        sd_event_source *source;
        bool reading;
        bool deaf;     /* the init takes no input any more */
        bool has_size; /* rows and columns are still to be sent */
        uint16_t rows, columns;
        StringBuffer input;
        const AttachmentCallbacks *callbacks;
        void *userdata;
};

static bool is_sending(const Attachment *attachment) {
        return attachment->has_size || attachment->input.length > 0;
}

static void attachment_watch(Attachment *attachment) {
        uint32_t events = (attachment->reading ? EPOLLIN : 0u) | (is_sending(attachment) ? EPOLLOUT : 0u);

        /* epoll reports a closed connection (EPOLLHUP) whatever events are asked for: a source with none
         * would keep the loop busy. */
        (void) sd_event_source_set_io_events(attachment->source, events);
        (void) sd_event_source_set_enabled(attachment->source, events ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* Return: how many of the bytes were sent behind the letter, or a negative errno. */
static ssize_t send_message(const Attachment *attachment, char letter, const void *bytes, size_t n) {
        char message[ATTACH_MESSAGE_MAX] = { letter };

        if (n > sizeof(message) - 1)
                n = sizeof(message) - 1;
        memcpy(message + 1, bytes, n);
        return send(attachment->fd, message, n + 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : (ssize_t) n;
}

static int send_size(Attachment *attachment) {
        const unsigned char size[] = {
                (unsigned char) (attachment->rows >> 8),
                (unsigned char) attachment->rows,
                (unsigned char) (attachment->columns >> 8),
                (unsigned char) attachment->columns,
        };
        ssize_t n = send_message(attachment, ATTACH_SIZE, size, sizeof(size));

        attachment->has_size = n < 0;
        return n < 0 ? (int) n : 0;
}

/* Sends what waits. Return: 0 or a negative errno; input that was not sent stays. */
static int send_all(Attachment *attachment) {
        int r = attachment->has_size ? send_size(attachment) : 0;
        StringBuffer *input = &attachment->input;
        size_t sent = 0;

        while (r >= 0 && sent < input->length) {
                ssize_t n = send_message(attachment, ATTACH_INPUT, input->text + sent, input->length - sent);

                if (n < 0)
                        r = (int) n;
                else
                        sent += (size_t) n;
        }
        if (sent > 0) {
                input->length -= sent;
                memmove(input->text, input->text + sent, input->length);
        }
        return r;
}

static void attachment_end(Attachment *attachment) {
        attachment->source = sd_event_source_disable_unref(attachment->source);
        attachment->fd = fd_close(attachment->fd);
        attachment->callbacks->on_end(attachment->userdata);
}

static void attachment_receive(Attachment *attachment) {
        char message[ATTACH_MESSAGE_MAX];
        ssize_t n = recv(attachment->fd, message, sizeof(message), MSG_DONTWAIT);

        /* ECONNRESET: the init closed the connection while input was queued. The last output can still be
         * read after it (base/attach.h). */
        if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET))
                return;
        if (n <= 0)
                attachment_end(attachment);
        else if (n > 1 && message[0] == ATTACH_OUTPUT)
                attachment->callbacks->on_output(attachment->userdata, message + 1, (size_t) n - 1);
}

/* The init takes no input any more. on_event() reads the rest of the output, and then the end. */
static void drop_input(Attachment *attachment) {
        attachment->deaf = true;
        string_buffer_clear(&attachment->input);
        attachment->has_size = false;
}

/* Sends input before it reads output: the input may be meant to stop the output. */
static int on_event(sd_event_source *source _unused_, int fd _unused_, uint32_t events, void *userdata) {
        Attachment *attachment = userdata;

        if (is_sending(attachment)) {
                int r = send_all(attachment);

                if (r < 0 && r != -EAGAIN)
                        drop_input(attachment);
                attachment_watch(attachment);
                if (!is_sending(attachment) && !attachment->deaf)
                        attachment->callbacks->on_drain(attachment->userdata);
        }

        /* Output that was sent before the end can still be read. */
        if (attachment->reading && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
                attachment_receive(attachment);
        return 0;
}

static int attachment_connect(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if ((size_t) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
                sizeof(address.sun_path))
                return -ENAMETOOLONG;

        _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int attachment_new(sd_event *event, const char *path, const AttachmentCallbacks *callbacks, void *userdata,
        Attachment **ret) {
        int fd = attachment_connect(path);

        if (fd < 0)
                return fd;

        Attachment *attachment = xnew(Attachment, 1);
        *attachment = (Attachment){
                .fd = fd,
                .reading = true,
                .callbacks = callbacks,
                .userdata = userdata,
        };
        int r = sd_event_add_io(event, &attachment->source, fd, EPOLLIN, on_event, attachment);
        if (r >= 0)
                r = sd_event_source_set_priority(attachment->source, LOOP_PRIORITY_STREAM);
        if (r < 0) {
                attachment_free(attachment);
                return r;
        }

        *ret = attachment;
        return 0;
}

Attachment *attachment_free(Attachment *attachment) {
        if (!attachment)
                return NULL;

        sd_event_source_disable_unref(attachment->source);
        fd_close(attachment->fd);
        string_buffer_clear(&attachment->input);
        free(attachment);
        return NULL;
}

bool attachment_write(Attachment *attachment, const void *bytes, size_t n) {
        if (attachment->fd < 0 || attachment->deaf)
                return false;

        string_buffer_append_bytes(&attachment->input, bytes, n);
        attachment_watch(attachment);
        return attachment->input.length < INPUT_LIMIT;
}

void attachment_resize(Attachment *attachment, uint16_t rows, uint16_t columns) {
        if (attachment->fd < 0 || attachment->deaf)
                return;

        attachment->has_size = true;
        attachment->rows = rows;
        attachment->columns = columns;
        attachment_watch(attachment);
}

void attachment_set_reading(Attachment *attachment, bool reading) {
        attachment->reading = reading;
        if (attachment->fd >= 0)
                attachment_watch(attachment);
}
