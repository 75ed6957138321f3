/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * signal_from_string() - number of a signal
 * @name: "SIGTERM", "TERM", "15", "SIGRTMIN+3", in any case
 *
 * Return: the number, or -EINVAL.
 */
int signal_from_string(const char *name);
