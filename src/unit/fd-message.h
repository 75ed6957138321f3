/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

typedef struct FdMessageRow {
        char letter; /* base/fd-letters.h */
        int fd;      /* negative for one that is not there */
} FdMessageRow;

/**
 * fd_message_send() - send descriptors in one message
 *
 * Return: 0, -EINVAL when none is there, or another negative errno.
 */
int fd_message_send(int socket, const FdMessageRow *rows, size_t n_rows);

/**
 * fd_message_new() - hand descriptors to a unit
 * @output: the task's stdout for a unit that loses its own (fd_message_is_lost()), or -1
 * @error:  the task's stderr, or -1
 * @result: eventfd where our init notes how the task's command ended (base/run-result.h), or -1
 * @attach: socket where others connect to the terminal of the task's command (attach.h), or -1
 *
 * They go into a message on a socket that becomes the unit's stdin; nspawn passes its three descriptors on
 * and closes all others. The message stays in the socket whoever looks at it, so that a restarted unit finds
 * it too (unix(7), SCM_RIGHTS; recv(2), MSG_PEEK).
 *
 * Return: the socket, close-on-exec; or a negative errno.
 */
int fd_message_new(int output, int error, int result, int attach);

/**
 * fd_message_is_lost() - whether this systemd closes a unit's descriptors when it restarts it
 * @version: of systemd
 *
 * Before 254 they are closed as the unit passes through "failed" or "inactive" (service_release_resources(),
 * core/service.c of 252, called by unit_may_gc()). What is in the unit's store of descriptors stays
 * (sd_notify(3), FDSTORE=1): nspawn-units-helper puts the socket there when a run ends, and takes it when
 * the next begins.
 */
bool fd_message_is_lost(unsigned version);
