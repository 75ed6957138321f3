/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Descriptors that the engine hands to a unit, in a message with a letter for each. Shared with the static
 * programs, which take nothing else from here.
 */
#define HANDED_ERROR 'E'  /* the task's stderr */
#define HANDED_OUTPUT 'O' /* its stdout */
#define HANDED_LEDGER 'L' /* what its end is noted in */

/* Most that come with one message. */
#define HANDED_MAX 4
