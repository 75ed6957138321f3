/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>

#include "engine/claim.h"

TestSuite(claim, .timeout = 60);

/* Facts that a row does not name are false. */
typedef struct Row {
        ClaimFacts facts;
        Claim start;
        Claim recovery;
} Row;

static const Row rows[] = {
        /* without a record */
        { { .adopts = true }, CLAIM_FREE, CLAIM_FREE },
        { { .adopts = true, .alive = true }, CLAIM_FOREIGN, CLAIM_OURS_ALIVE },
        { { .alive = true }, CLAIM_FOREIGN, CLAIM_OURS_ALIVE },

        /* with a record of this very start */
        { { .adopts = true, .recorded = true, .recorded_id = "a", .alive = true }, CLAIM_OURS_ALIVE,
                CLAIM_OURS_ALIVE },
        { { .adopts = true, .recorded = true, .recorded_id = "a", .alive = true, .payload_ended = true },
                CLAIM_OURS_ALIVE, CLAIM_OURS_ALIVE },
        { { .adopts = true, .recorded = true, .recorded_id = "a", .payload_ended = true }, CLAIM_OURS_ENDED,
                CLAIM_OURS_ENDED },
        { { .adopts = true, .recorded = true, .recorded_id = "a", .unit_ended = true }, CLAIM_FREE,
                CLAIM_OURS_ENDED },
        { { .adopts = true, .recorded = true, .recorded_id = "a" }, CLAIM_FREE, CLAIM_FREE },

        /* the id is the task's, and not that of a single start */
        { { .recorded = true, .recorded_id = "a", .alive = true }, CLAIM_FOREIGN, CLAIM_OURS_ALIVE },
        { { .recorded = true, .recorded_id = "a", .payload_ended = true }, CLAIM_FREE, CLAIM_OURS_ENDED },

        /* with a record of another start */
        { { .adopts = true, .recorded = true, .recorded_id = "b", .alive = true }, CLAIM_ABANDONED,
                CLAIM_FOREIGN },
        { { .adopts = true, .recorded = true, .recorded_id = "b", .alive = true, .followed = true },
                CLAIM_FOREIGN, CLAIM_FOREIGN },
        { { .recorded = true, .recorded_id = "b", .alive = true }, CLAIM_FOREIGN, CLAIM_FOREIGN },
        { { .adopts = true, .recorded = true, .recorded_id = "b", .payload_ended = true }, CLAIM_FREE,
                CLAIM_FOREIGN },

        /* with a record without an id, which nspawn-units 0.1.0 wrote */
        { { .adopts = true, .recorded = true, .alive = true }, CLAIM_FOREIGN, CLAIM_FOREIGN },
        { { .adopts = true, .recorded = true, .payload_ended = true }, CLAIM_FREE, CLAIM_FOREIGN },
};

Test(claim, is_what_record_id_and_unit_say_together) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ClaimFacts facts = rows[i].facts;

                facts.id = "a";
                cr_expect_eq(claim_judge_start(&facts), rows[i].start, "row %zu: start", i);
                cr_expect_eq(claim_judge_recovery(&facts), rows[i].recovery, "row %zu: recovery", i);
        }
}

/* All combinations of facts: a live unit is ended only if its record proves that it is the task's own. */
Test(claim, ends_a_unit_only_where_its_record_names_an_earlier_start_that_nobody_follows) {
        static const char *const ids[] = { NULL, "a", "b" };

        for (unsigned bits = 0; bits < 64; bits++)
                for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                        const ClaimFacts facts = {
                                .id = "a",
                                .recorded = bits & 1,
                                .recorded_id = ids[i],
                                .payload_ended = bits & 2,
                                .unit_ended = bits & 4,
                                .alive = bits & 8,
                                .followed = bits & 16,
                                .adopts = bits & 32,
                        };
                        bool earlier = facts.recorded && ids[i] && *ids[i] == 'b';

                        cr_expect_eq(claim_judge_start(&facts) == CLAIM_ABANDONED,
                                facts.alive && facts.adopts && earlier && !facts.followed, "%u %zu", bits,
                                i);
                        cr_expect_neq(claim_judge_recovery(&facts), CLAIM_ABANDONED);
                }
}
