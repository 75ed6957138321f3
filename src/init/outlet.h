/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/*
 * The output of a payload whose streams are sockets, as those of journald are. A socket cannot be opened by
 * its name (open(2), ENXIO), so that a program that logs to /dev/stdout would fail. Such a payload gets
 * pipes, and its supervisor, which is there in any case, passes on what is written into them.
 */

/*
 * Puts pipes in the places of descriptors 1 and 2 where these are sockets: one pipe for both if they are the
 * same. Descriptor 2 stays as it is unless @error. All signals are blocked. Does not come back on failure.
 *
 * Return: whether there is anything to pass on; otherwise nothing below may be called but outlet_finish().
 */
bool outlet_open(bool error);

/* Passes on until a signal came, from a process outside of the container or not. Return: its number. */
int outlet_wait_signal(bool *ret_from_outside);

/* The payload has ended: passes on what it wrote until then, for some seconds at most. */
void outlet_finish(void);
