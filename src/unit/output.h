/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/system-bus.h"

/* Where the output of a unit of ours goes. */
typedef enum OutputPlace {
        OUTPUT_JOURNAL,           /* written by the task's own processes */
        OUTPUT_JOURNAL_BY_NSPAWN, /* by nspawn, which passes on the container's console */
        OUTPUT_ELSEWHERE,         /* to a descriptor that was given when the unit was started */
} OutputPlace;

typedef struct OutputQuery OutputQuery;

/* @error is NULL when the place is known. */
typedef void (*OutputQueryDone)(void *userdata, OutputPlace place, const Error *error);

/**
 * output_query_new() - ask systemd where the output of a unit goes
 * @arguments: path of the file with nspawn's command line (base/task-dir.h)
 * @done:      called once, and not from within this call
 *
 * Return: the query, to be freed by the caller, at the latest when @done was called; NULL when it cannot be
 * sent.
 */
OutputQuery *output_query_new(SystemBus *system_bus, const char *unit, const char *arguments,
        OutputQueryDone done, void *userdata);
OutputQuery *output_query_free(OutputQuery *query);
DEFINE_CLEANUP(OutputQuery *, output_query_free)
