/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

/*
 * Values handed from other threads to the loop.
 *
 * Items are copied in and copied out, so that what they point to is touched by one thread only: the one that
 * runs the loop. Order is kept. There is no bound: whoever posts must be bounded by something else.
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
 * mailbox_wait() - deliver without the loop
 *
 * Waits for items and gives those that are there to the handler, in the calling thread, which must be the
 * one of the loop. For the end of things only, when the loop no longer runs.
 *
 * Return: the number of items delivered, or a negative errno.
 */
int mailbox_wait(Mailbox *mailbox);
