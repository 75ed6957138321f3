/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Gives the processes that systemd runs for a unit the socket with the unit's descriptors
 * (base/fd-letters.h). The socket is the unit's stdin. But systemd before 254 closes stdin before it
 * restarts a unit, and then has the socket only in its store of descriptors, which it passes only to the
 * main process.
 */

/*
 * For the main process: writes down which socket it is, for store_socket() in other processes of this run.
 */
void store_note(int socket, const char *unit_directory);

/**
 * store_socket() - get the socket in another process of the unit
 * @unit_directory: where store_note() wrote
 *
 * Return: the socket, close-on-exec; -1 when there is none or it cannot be copied.
 */
int store_socket(const char *unit_directory);

/* Return: the descriptor of this letter in the socket's message, close-on-exec; or -1. */
int store_find(int socket, char letter);
