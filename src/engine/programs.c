/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

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

int engine_check_host(Engine *engine, Error **ret_error) {
        int r;

        engine_find_programs(engine);
        r = isolation_find(ISOLATION_DEFAULT)->check(&(HostFacts){ .nspawn = engine->nspawn }, ret_error);
        if (r < 0)
                return r;
        if (!engine->init || !engine->helper)
                return error_set(ret_error, ENOENT,
                        "%s is neither beside the program nor in " LIBEXEC_DIR ": install it again",
                        engine->init ? PROGRAM_HELPER : PROGRAM_INIT);
        if (!system_bus_is_ready(engine->system_bus))
                return error_set(
                        ret_error, EAGAIN, "there is no connection to systemd; it is being tried again");
        return system_bus_check_version(engine->system_bus, ret_error);
}
