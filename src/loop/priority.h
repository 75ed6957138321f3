/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

/*
 * Of sources that somebody else can keep ready for ever: a flood of bytes must not keep the loop from
 * signals, ends of processes, timers and the bus. Among themselves such sources take turns: sd-event
 * dispatches what has been ready the longest (sd_event_source_set_priority(3), event.c). A defer source that
 * stays enabled counts as ready since it was made, and would always be first.
 *
 * The same priority for all would not do for the bus: systemd 252's prepare_callback() (sd-bus.c) sets the
 * timer of the bus anew in each turn, and so puts it behind all that is ready.
 */
#define LOOP_PRIORITY_STREAM (SD_EVENT_PRIORITY_NORMAL + 1)
