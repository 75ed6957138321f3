/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * Decides which task the name of a unit belongs to. A unit belongs to one task only, and each start of a
 * task has an id of its own. So only the record on the host, the id of the start that asks for the name and
 * the state of the unit decide (ClaimFacts).
 */
typedef enum Claim {
        CLAIM_FREE,       /* no living unit has the name; leftovers of a dead one may be removed */
        CLAIM_OURS_ALIVE, /* an earlier process of ours made the unit for this very start */
        CLAIM_OURS_ENDED, /* the command of this very start ran and is over, and the record says how */
        CLAIM_ABANDONED,  /* the unit is of an earlier start of the task, and no engine follows it */
        CLAIM_FOREIGN,    /* the unit is somebody else's and must not be touched */
        _CLAIM_MAX,
} Claim;

typedef struct ClaimFacts {
        const char *id; /* of the start or recovery that asks for the name */
        bool recorded;  /* the host has a record for the name, which this start did not write itself */
        const char *recorded_id; /* the id in the record, or NULL */
        bool payload_ended;      /* the notes say how the command ended */
        bool unit_ended;         /* the notes say how the unit ended */
        bool alive;              /* the unit is neither dead nor unknown to systemd */
        bool followed;           /* a task of this engine has @recorded_id */
        bool adopts; /* ENGINE_DRIVER: each id belongs to one start; other roles never adopt units */
} ClaimFacts;

/* Whether a start may have the name. Return: any Claim. */
Claim claim_judge_start(const ClaimFacts *facts);

/* What a recovery finds. Return: any Claim but CLAIM_ABANDONED; CLAIM_FREE means that the task is lost. */
Claim claim_judge_recovery(const ClaimFacts *facts);
