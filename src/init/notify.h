/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

/**
 * notify_address() - where messages about readiness go (sd_notify(3), $NOTIFY_SOCKET)
 *
 * Return: the address's length; 0 when nobody wants any; -ENAMETOOLONG.
 */
int notify_address(struct sockaddr_un *ret);
