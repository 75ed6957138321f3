/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * handover_new() - hand descriptors to the init of a container
 * @error:  the task's stderr, or -1
 * @ledger: where our init notes how the task's command ended, or -1
 *
 * They go into a message on a socket that becomes the unit's stdin; nspawn passes its three descriptors on
 * and closes all others. The message stays in the socket whoever looks at it, so that a restarted unit finds
 * it too (unix(7), SCM_RIGHTS; recv(2), MSG_PEEK).
 *
 * Return: the socket, close-on-exec; or a negative errno.
 */
int handover_new(int error, int ledger);
