/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The socket with the unit's descriptors (base/fd-letters.h), in the processes that systemd runs for the
 * unit. It is the unit's stdin. systemd before 254 closes that before it restarts a unit, and has the socket
 * only in its store of descriptors then, which it gives to the main process alone.
 */

/* In the main process: writes down which socket it is, for store_socket() of this run. */
void store_note(int socket, const char *unit_directory);

/**
 * store_socket() - get the socket in another process of the unit
 * @unit_directory: where store_note() wrote
 *
 * Return: the socket, close-on-exec; -1 when there is none or it cannot be had.
 */
int store_socket(const char *unit_directory);

/* Return: the descriptor of this letter in the socket's message, close-on-exec; or -1. */
int store_find(int socket, char letter);
