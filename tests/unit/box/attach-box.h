/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/attach.h"
#include "box/init-box.h"

/* An init that holds a terminal, and those who are attached to it. It is an InitBox to all else. */

/*
 * Hands the init an eventfd for the result and a socket to listen on, where attach_box_connect() can connect
 * from then on. Return: the eventfd, owned by the caller.
 */
int attach_box_hand_over(InitBox *box);

/* Starts a shell line with a terminal and what was handed over. */
#define attach_box_start(box, script) \
        init_box_start(box, "supervise", "--terminal", "--descriptors-on-stdin", "--", "sh", "-c", script)

/* Return: a descriptor of somebody who is attached; owned by the caller. */
int attach_box_connect(const InitBox *box);

/* Sends a message of any kind. */
void attach_box_send(int fd, const char *message, size_t n);

/* Types a text at the terminal. */
#define attach_box_type(fd, text) attach_box_send(fd, "I" text, sizeof("I" text) - 1)

/* The test fails unless the terminal shows this next. */
void attach_box_expect(int fd, const char *text);

/* Waits for the end, whatever comes before it. The test fails when there is an error instead. */
void attach_box_expect_end(int fd);

/* Return: what `seq 1 @last` shows on a terminal; owned by the caller. */
char *attach_box_numbers(unsigned last);
