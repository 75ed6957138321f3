/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/start.h"

/* The phases of a start (start.h), for start.c: one row for each. */
typedef struct StartStep {
        /* Begins to wait. Return: the phase itself, or the next phase if there is nothing to wait for. */
        StartPhase (*begin)(Start *start);
        /* Return: as of begin. NULL for a phase that does not depend on the unit's status. */
        StartPhase (*on_status)(Start *start, const UnitStatus *status);
        /* Ends what the phase waits for, beyond the members of Start that are freed with every phase. */
        void (*cancel)(Start *start);
        StartStop stop; /* what a stop of the task does */
        bool again;     /* @begin is called again when a connection is made or lost */
        bool holds;     /* the unit is the task's: systemd must keep its state (task_hold()) */
} StartStep;

/* start-image.c */
extern const StartStep start_image;

/* start-claim.c */
extern const StartStep start_look, start_clear, start_recover;

/* start-unit.c */
extern const StartStep start_queue, start_job, start_follow, start_confirm, start_refused, start_explain;

/* Notes why the start fails. Return: START_FAILED, for a phase to return. */
StartPhase start_fail(Start *start, int code, const char *format, ...) _printf_(3, 4);
