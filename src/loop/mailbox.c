/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "loop/mailbox.h"
#include "loop/priority.h"

typedef struct Items {
        char *bytes;
        size_t n;
        size_t size; /* both in items */
} Items;

struct Mailbox {
        int fd;
        sd_event_source *source;
        size_t item_size;
        MailboxHandler handler;
        void *userdata;
        Items spare; /* an empty array, to swap with `posted`; only the loop's thread uses it */

        pthread_mutex_t mutex;
        Items posted; /* guarded by the mutex */
};

/*
 * Takes the whole array at once, so that it holds the lock only for a moment. It empties the eventfd before
 * that: an item posted after the read() either is still in this array, or writes the eventfd again because
 * it finds the array empty.
 */
static int mailbox_deliver(Mailbox *mailbox) {
        uint64_t count;
        Items items;

        if (read(mailbox->fd, &count, sizeof(count)) < 0 && errno != EAGAIN && errno != EINTR)
                return -errno;

        (void) pthread_mutex_lock(&mailbox->mutex);
        items = mailbox->posted;
        mailbox->posted = mailbox->spare;
        (void) pthread_mutex_unlock(&mailbox->mutex);
        mailbox->spare = (Items){};

        for (size_t i = 0; i < items.n; i++)
                mailbox->handler(items.bytes + i * mailbox->item_size, mailbox->userdata);

        int n = (int) items.n;
        items.n = 0;
        free(mailbox->spare.bytes);
        mailbox->spare = items;
        return n;
}

static int on_posted(
        sd_event_source *source _unused_, int fd _unused_, uint32_t revents _unused_, void *userdata) {
        return mailbox_deliver(userdata);
}

int mailbox_new(
        sd_event *event, size_t item_size, MailboxHandler handler, void *userdata, Mailbox **ret_mailbox) {

        _cleanup_mailbox_ Mailbox *mailbox = xnew(Mailbox, 1);
        int r;

        (void) pthread_mutex_init(&mailbox->mutex, NULL);
        mailbox->item_size = item_size;
        mailbox->handler = handler;
        mailbox->userdata = userdata;
        mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (mailbox->fd < 0)
                return -errno;

        r = sd_event_add_io(event, &mailbox->source, mailbox->fd, EPOLLIN, on_posted, mailbox);
        if (r >= 0)
                r = sd_event_source_set_priority(mailbox->source, LOOP_PRIORITY_STREAM);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(mailbox->source, "mailbox");

        *ret_mailbox = TAKE_PTR(mailbox);
        return 0;
}

Mailbox *mailbox_free(Mailbox *mailbox) {
        if (!mailbox)
                return NULL;

        (void) sd_event_source_disable_unref(mailbox->source);
        (void) fd_close(mailbox->fd);
        (void) pthread_mutex_destroy(&mailbox->mutex);
        free(mailbox->posted.bytes);
        free(mailbox->spare.bytes);
        free(mailbox);
        return NULL;
}

void mailbox_post(Mailbox *mailbox, const void *item) {
        static const uint64_t one = 1;
        Items *items = &mailbox->posted;

        (void) pthread_mutex_lock(&mailbox->mutex);
        if (items->n == items->size) {
                items->size = items->size ? items->size * 2 : 16;
                items->bytes = xreallocarray(items->bytes, items->size, mailbox->item_size);
        }
        memcpy(items->bytes + items->n * mailbox->item_size, item, mailbox->item_size);
        bool first = items->n++ == 0;
        (void) pthread_mutex_unlock(&mailbox->mutex);

        if (first)
                /* Fails only if the counter is full, and then the loop wakes up anyway. */
                while (write(mailbox->fd, &one, sizeof(one)) < 0 && errno == EINTR)
                        ;
}

int mailbox_wait(Mailbox *mailbox) {
        struct pollfd pollfd = { .fd = mailbox->fd, .events = POLLIN };

        while (poll(&pollfd, 1, -1) < 0)
                if (errno != EINTR)
                        return -errno;

        return mailbox_deliver(mailbox);
}
