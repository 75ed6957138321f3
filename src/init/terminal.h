/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The terminal of a payload. The supervisor has its master, and writes the terminal's output to descriptor 1
 * and to the attached clients (attach.h). A process can have only one such terminal.
 */

/**
 * terminal_open() - make a terminal in the container's own devpts
 * @listener: socket that clients connect to, or -1
 *
 * All signals must be blocked, and descriptor 1 must be the task's output. Exits on failure.
 */
void terminal_open(int listener);

/* To be called in the payload: gives it a session of its own and the terminal as descriptors 0 to 2. */
void terminal_enter(void);

/*
 * Serves the terminal until a signal comes; @ret_from_outside: whether a process outside of the container
 * sent it. Return: the signal's number.
 */
int terminal_wait_signal(bool *ret_from_outside);

/*
 * To be called when the payload has ended: passes on the rest of its output, for some seconds at most. Does
 * nothing without a terminal.
 */
void terminal_finish(void);
