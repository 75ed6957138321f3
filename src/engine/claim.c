/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "engine/claim.h"

static bool is_ours(const ClaimFacts *facts) {
        return facts->recorded && streq_null(facts->recorded_id, facts->id);
}

Claim claim_judge_start(const ClaimFacts *facts) {
        bool ours = facts->adopts && is_ours(facts);

        if (!facts->alive)
                return ours && facts->payload_ended ? CLAIM_OURS_ENDED : CLAIM_FREE;
        if (ours)
                return CLAIM_OURS_ALIVE;

        bool abandoned = facts->adopts && facts->recorded && facts->recorded_id && !facts->followed;
        return abandoned ? CLAIM_ABANDONED : CLAIM_FOREIGN;
}

Claim claim_judge_recovery(const ClaimFacts *facts) {
        if (facts->recorded && !is_ours(facts))
                return CLAIM_FOREIGN;
        if (facts->alive)
                return CLAIM_OURS_ALIVE;
        return facts->recorded && (facts->payload_ended || facts->unit_ended) ? CLAIM_OURS_ENDED
                                                                              : CLAIM_FREE;
}
