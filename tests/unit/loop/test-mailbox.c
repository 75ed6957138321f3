/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <pthread.h>

#include "loop/mailbox.h"

TestSuite(mailbox, .timeout = 60);

#define N_THREADS 4
#define N_ITEMS 20000

typedef struct Item {
        unsigned thread;
        unsigned number;
} Item;

static sd_event *event;
static Mailbox *mailbox;
static unsigned next[N_THREADS];
static unsigned total;
static unsigned last;

static void on_item(const void *p, void *userdata) {
        const Item *item = p;

        cr_assert_eq(userdata, &total);
        cr_assert_eq(item->number, next[item->thread]++, "items of one thread keep their order");
        if (++total == last)
                (void) sd_event_exit(event, 0);
}

static void *post_all(void *userdata) {
        unsigned thread = *(unsigned *) userdata;

        for (unsigned i = 0; i < N_ITEMS; i++)
                mailbox_post(mailbox, &(Item){ thread, i });
        return NULL;
}

static void setup(void) {
        cr_assert_geq(sd_event_new(&event), 0);
        cr_assert_geq(mailbox_new(event, sizeof(Item), on_item, &total, &mailbox), 0);
}

static void teardown(void) {
        mailbox = mailbox_free(mailbox);
        event = sd_event_unref(event);
}

Test(mailbox, items_of_many_threads_all_arrive_in_order) {
        pthread_t threads[N_THREADS];
        unsigned numbers[N_THREADS];

        setup();
        last = N_THREADS * N_ITEMS;
        for (unsigned i = 0; i < N_THREADS; i++) {
                numbers[i] = i;
                cr_assert_eq(pthread_create(threads + i, NULL, post_all, numbers + i), 0);
        }
        cr_assert_geq(sd_event_loop(event), 0);
        for (unsigned i = 0; i < N_THREADS; i++)
                cr_assert_eq(pthread_join(threads[i], NULL), 0);
        cr_assert_eq(total, last);
        teardown();
}

static unsigned reposted;

static void on_repost(const void *p, void *userdata _unused_) {
        const unsigned *n = p;

        reposted++;
        if (*n > 0)
                mailbox_post(mailbox, &(unsigned){ *n - 1 });
        else
                (void) sd_event_exit(event, 0);
}

Test(mailbox, handler_may_post) {
        cr_assert_geq(sd_event_new(&event), 0);
        cr_assert_geq(mailbox_new(event, sizeof(unsigned), on_repost, NULL, &mailbox), 0);
        mailbox_post(mailbox, &(unsigned){ 100 });
        cr_assert_geq(sd_event_loop(event), 0);
        cr_assert_eq(reposted, 101);
        teardown();
}

Test(mailbox, waits_without_the_loop) {
        setup();
        for (unsigned i = 0; i < 3; i++)
                mailbox_post(mailbox, &(Item){ 0, i });
        cr_assert_eq(mailbox_wait(mailbox), 3);
        cr_assert_eq(total, 3);
        mailbox_post(mailbox, &(Item){ 0, 3 });
        cr_assert_eq(mailbox_wait(mailbox), 1);
        teardown();
}

Test(mailbox, what_was_not_delivered_is_dropped) {
        setup();
        mailbox_post(mailbox, &(Item){ 0, 0 });
        teardown();
        cr_assert_eq(total, 0);
        cr_assert_null(mailbox_free(NULL));
}
