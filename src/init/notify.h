/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

/**
 * notify_address() - get the address for messages about readiness (sd_notify(3), $NOTIFY_SOCKET)
 *
 * Return: the address's length; 0 when the variable is not set; -ENAMETOOLONG.
 */
int notify_address(struct sockaddr_un *ret);
