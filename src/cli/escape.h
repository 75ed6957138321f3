/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * The way out of a terminal that is passed on to somebody else: ^] three times within a second, as
 * machinectl has it. Nothing of the other side is needed for it.
 */
typedef struct Escape {
        unsigned n;          /* seen so far, with nothing between */
        uint64_t since_usec; /* when the first of them was */
} Escape;

#define ESCAPE_HINT "Press ^] three times within one second to leave."

/**
 * escape_look() - look for the way out in what was typed
 * @now_usec: monotonic
 *
 * Return: whether it is there.
 */
bool escape_look(Escape *escape, const void *bytes, size_t n, uint64_t now_usec);
