/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

typedef struct FdMessageRow {
        char letter; /* base/fd-letters.h */
        int fd;      /* negative when there is none */
} FdMessageRow;

/**
 * fd_message_send() - send descriptors in one message
 *
 * Return: 0, -EINVAL when all rows are without a descriptor, or another negative errno.
 */
int fd_message_send(int socket, const FdMessageRow *rows, size_t n_rows);

/**
 * fd_message_new() - hand descriptors to a unit
 * @output: the task's stdout for a unit that loses its own (fd_message_is_lost()), or -1
 * @error:  the task's stderr, or -1
 * @result: eventfd where our init notes how the task's command ended (base/run-result.h), or -1
 * @attach: socket where clients connect to the terminal of the task's command (attach.h), or -1
 *
 * The descriptors go into a message on a socket that becomes the unit's stdin, because nspawn passes on its
 * three standard descriptors and closes all others. Readers only peek at the message, so that it stays in
 * the socket and a restarted unit finds it too (unix(7), SCM_RIGHTS; recv(2), MSG_PEEK).
 *
 * Return: the socket, close-on-exec; or a negative errno.
 */
int fd_message_new(int output, int error, int result, int attach);

/**
 * fd_message_is_lost() - whether this systemd closes a unit's descriptors when it restarts the unit
 * @version: of systemd
 *
 * Before 254 systemd closes them as the unit passes through "failed" or "inactive"
 * (service_release_resources(), core/service.c of 252, called by unit_may_gc()). What is in the unit's store
 * of descriptors stays (sd_notify(3), FDSTORE=1): nspawn-units-helper puts the socket there when a run ends,
 * and takes it back when the next run begins.
 */
bool fd_message_is_lost(unsigned version);
