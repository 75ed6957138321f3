/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

/*
 * The priority of event sources that another process can keep ready for ever: a flood of bytes must not keep
 * the loop from signals, ends of processes, timers and the bus. Sources of this priority take turns:
 * sd-event dispatches the one that has been ready the longest (sd_event_source_set_priority(3), event.c). A
 * defer source that stays enabled counts as ready since it was made, and would always be first.
 *
 * With the same priority for all sources the bus would starve: systemd 252's prepare_callback() (sd-bus.c)
 * sets the timer of the bus again in each turn, which puts it behind all other ready sources.
 */
#define LOOP_PRIORITY_STREAM (SD_EVENT_PRIORITY_NORMAL + 1)
