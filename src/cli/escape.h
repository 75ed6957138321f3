/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * The escape sequence of a terminal that is passed on to a task: ^] three times within a second, as with
 * machinectl. It is recognised before the input is sent, so it works whatever the task does.
 */
typedef struct Escape {
        unsigned n;          /* ^] typed so far, with nothing between them */
        uint64_t since_usec; /* when the first of them was typed */
} Escape;

#define ESCAPE_HINT "Press ^] three times within one second to leave."

/**
 * escape_look() - look for the escape sequence in input
 * @now_usec: monotonic
 *
 * The sequence may be spread over several calls. Return: whether it is complete.
 */
bool escape_look(Escape *escape, const void *bytes, size_t n, uint64_t now_usec);
