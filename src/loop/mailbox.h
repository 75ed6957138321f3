/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/*
 * A queue through which other threads pass items to the loop.
 *
 * mailbox_post() copies the item and the handler gets the copy. After the call, only the thread that runs
 * the loop may touch the data that the item points to. The order is kept. The queue has no maximum length:
 * something else must limit how much the other threads post.
 */
typedef struct Mailbox Mailbox;

typedef void (*MailboxHandler)(const void *item, void *userdata);

/**
 * mailbox_new() - make a mailbox whose items arrive in a loop
 * @item_size: bytes per item
 * @handler:   called in the loop's thread for each item; it may post, but not free the mailbox
 *
 * Return: 0 or a negative errno.
 */
int mailbox_new(
        sd_event *event, size_t item_size, MailboxHandler handler, void *userdata, Mailbox **ret_mailbox);

/* Drops what was not delivered. No thread may post any more. Return: always NULL. */
Mailbox *mailbox_free(Mailbox *mailbox);
DEFINE_CLEANUP(Mailbox *, mailbox_free)
#define _cleanup_mailbox_ _cleanup_(mailbox_freep)

/* Hands a copy of @item to the loop. From any thread. */
void mailbox_post(Mailbox *mailbox, const void *item);

/**
 * mailbox_wait() - deliver items without the loop
 *
 * Waits until there are items and calls the handler for each of them. Only the thread of the loop may call
 * this, and only at shutdown, when the loop no longer runs.
 *
 * Return: the number of items delivered, or a negative errno.
 */
int mailbox_wait(Mailbox *mailbox);
