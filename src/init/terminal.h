/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The terminal of a payload. The supervisor holds its master: what the terminal shows goes to descriptor 1
 * and to whoever is attached (attach.h). There is one in a process.
 */

/**
 * terminal_open() - make a terminal in the container's own devpts
 * @listener: socket that those who attach connect to, or -1
 *
 * All signals are blocked, and descriptor 1 is where the task's output goes. Does not come back on failure.
 */
void terminal_open(int listener);

/* In the payload: it gets a session of its own and the terminal as descriptors 0 to 2. */
void terminal_enter(void);

/* Keeps the terminal going until a signal came, from a process outside of the container or not. Return: its
 * number. */
int terminal_wait_signal(bool *ret_from_outside);

/*
 * The payload has ended: passes on what it wrote until then, for some seconds at most. Does nothing without
 * a terminal.
 */
void terminal_finish(void);
