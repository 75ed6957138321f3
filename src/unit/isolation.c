/* SPDX-License-Identifier: Apache-2.0 */

#include "base/string.h"
#include "unit/isolation.h"
#include "unit/nspawn-plan.h"
#include "unit/nspawn-run.h"
#include "unit/nspawn.h"

static const Isolation isolations[] = {
        {
                .name = "nspawn",
                .check = nspawn_check,
                .plan = nspawn_plan,
                .arguments = nspawn_arguments,
                .hands_streams_on = nspawn_keeps_streams_apart,
                .find_leader = nspawn_find_leader,
                .signal_payload = nspawn_signal_payload,
                .stop_signal = nspawn_stop_signal,
                .result = nspawn_result,
                .signal_of_message = nspawn_signal_of_message,
                .is_reboot = nspawn_is_reboot,
                .failure = nspawn_failure,
        },
};

const Isolation *isolation_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(isolations); i++)
                if (streq(isolations[i].name, name))
                        return &isolations[i];
        return NULL;
}
