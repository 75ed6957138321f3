/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* How a run of a task ended, as far as the task's notes tell. */
typedef struct RunEnd {
        bool has_payload; /* our init saw the command end */
        int payload_code; /* 128 + signal when a signal ended it */
        int payload_signal;

        bool has_unit;   /* systemd reported the unit's end */
        char result[32]; /* systemd.exec(5), $SERVICE_RESULT */
        int code;        /* CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0 when nspawn never ran */
        int status;      /* of nspawn: exit status or signal */
        uint64_t oom_kills;
        uint64_t memory_peak;  /* bytes; 0 when unknown */
        uint64_t memory_limit; /* bytes; 0 for none */
        uint64_t usec;         /* realtime */
        char invocation[33];   /* of the unit in this run, 32 hex digits; "" when unknown */
} RunEnd;

/*
 * How the last two runs ended: another run may begin and end before the engine reads the end of the first.
 */
typedef struct RunEnds {
        RunEnd before; /* the run before the last */
        RunEnd last;
} RunEnds;

/**
 * run_ends_parse() - read notes
 * @text: lines "payload CODE SIGNAL" and "unit WORD=VALUE ..."; lines with "before " in front describe the
 *        run before the last
 *
 * The container can write to the notes of version 0.1.0, so incomplete, unknown and invalid lines are
 * ignored. If lines describe several runs, the last run counts.
 */
void run_ends_parse(const char *text, RunEnds *ret);

/* As run_ends_parse(), for the last run only. */
void run_end_parse(const char *text, RunEnd *ret);
