/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/*
 * Whom the name of a unit belongs to. A unit has the name of one task only, and a task one id for each of
 * its starts; so the record on the host, the id that asks and the state of the unit decide, and nothing
 * else.
 */
typedef enum Claim {
        CLAIM_FREE,       /* nothing alive has the name; leftovers of a dead unit may be removed */
        CLAIM_OURS_ALIVE, /* a unit of this very start is there: an earlier process of ours made it */
        CLAIM_OURS_ENDED, /* the command of this very start ran and is over, and the record says how */
        CLAIM_ABANDONED,  /* a unit of an earlier start of the task is there, and no engine follows it */
        CLAIM_FOREIGN,    /* somebody else's; nothing of it may be touched */
        _CLAIM_MAX,
} Claim;

typedef struct ClaimFacts {
        const char *id; /* of the start or recovery that asks */
        bool recorded;  /* the host has a record for the name, which this start did not write itself */
        const char *recorded_id; /* the id in it, or NULL */
        bool payload_ended;      /* it says how the command ended */
        bool unit_ended;         /* it says how the unit ended */
        bool alive;              /* the unit is neither dead nor unknown to systemd */
        bool followed;           /* a task of this engine has @recorded_id */
        bool adopts; /* an id is of one start (ENGINE_DRIVER); otherwise units are never taken over */
} ClaimFacts;

/* Whether a start may have the name. Return: any Claim. */
Claim claim_judge_start(const ClaimFacts *facts);

/* What a recovery finds. Return: any Claim but CLAIM_ABANDONED; CLAIM_FREE means that the task is lost. */
Claim claim_judge_recovery(const ClaimFacts *facts);
