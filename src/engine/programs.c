/* SPDX-License-Identifier: Apache-2.0 */

#include "base/program.h"
#include "base/string.h"
#include "engine/programs.h"
#include "engine/task.h"
#include "unit/host.h"

void engine_find_programs(Engine *engine) {
        if (!engine->nspawn) {
                HostFacts facts;

                host_facts_probe(&facts);
                engine->nspawn = xstrdup_null(facts.nspawn);
        }
        if (!engine->init)
                engine->init = program_find(PROGRAM_INIT);
        if (!engine->helper)
                engine->helper = program_find(PROGRAM_HELPER);
}
