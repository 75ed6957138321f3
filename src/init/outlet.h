/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * The output of a payload whose streams are sockets, as those of journald are. A process cannot open a
 * socket by its name (open(2), ENXIO), so a program that logs to /dev/stdout would fail. Such a payload gets
 * pipes instead, and the supervisor passes on the bytes that it writes into them.
 */

/*
 * Replaces descriptors 1 and 2 with pipes if they are sockets: with one pipe if both are the same socket.
 * Leaves descriptor 2 alone unless @error. All signals must be blocked. Exits on failure.
 *
 * Return: whether there is a pipe; if not, the caller may call none of the functions below but
 * outlet_finish().
 */
bool outlet_open(bool error);

/*
 * Passes on output until a signal comes; @ret_from_outside: whether a process outside of the container sent
 * it. Return: the signal's number.
 */
int outlet_wait_signal(bool *ret_from_outside);

/* To be called when the payload has ended: passes on the rest of its output, for some seconds at most. */
void outlet_finish(void);
