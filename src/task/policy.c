/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/string.h"
#include "task/policy.h"

/* Why a gate is closed: the text behind "is not allowed: " in the message. */
static const struct {
        OptionGate gate;
        const char *reason;
} gates[] = {
        { GATE_VOLUMES, "the driver's option volumes is false on this client" },
        { GATE_CAPS, "this client allows no more capabilities than a container has by default" },
        { GATE_PRIVILEGED, "this client allows no task that can act on the host" },
        { GATE_PROPERTIES, "this client allows no properties of the unit" },
};

static const OptionValue isolation_names[] = {
        { ISOLATION_NSPAWN, "nspawn", NULL },
        { ISOLATION_SERVICE, "service", NULL },
        {},
};

Policy policy_of_driver(const DriverConfig *config) {
        return (Policy){
                .gates = GATE_ALL & ~(config->volumes ? 0U : (unsigned) GATE_VOLUMES),
                .isolation = ISOLATION_NSPAWN,
        };
}

Policy policy_of_root(void) {
        return (Policy){ .gates = GATE_ALL, .isolation = ISOLATION_NSPAWN };
}

static int check_gates(
        const Policy *policy, const Option *option, const OptionPlace *place, Diagnostics *d) {
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(gates); i++)
                if ((option->gate & gates[i].gate) && !(policy->gates & gates[i].gate))
                        r = diagnostics_add(d, place->option, EPERM, "%s%s%sis not allowed: %s",
                                place->shown ? "\"" : "", place->shown ? place->shown : "",
                                place->shown ? "\" " : "", gates[i].reason);
        return r;
}

static int check_host(const Policy *policy, const Option *option, const char *name, Diagnostics *d) {
        int r = 0;

        if (policy->isolation && option->isolations && !(option->isolations & policy->isolation))
                r = diagnostics_add(d, name, ENOTSUP, "not possible with isolation = \"%s\"",
                        option_value_name(isolation_names, (int) policy->isolation));
        if (policy->systemd && option->since > policy->systemd)
                r = diagnostics_add(d, name, ENOTSUP, "needs systemd %u or newer, and this host has %u",
                        option->since, policy->systemd);
        return r;
}

int policy_check(const Policy *policy, const OptionTable *table, OptionUse use, Diagnostics *d) {
        int r = 0;

        for (size_t i = 0; i < d->n_places; i++) {
                const OptionPlace *place = &d->places[i];
                const Option *option = option_find(table, place->option, use);

                if (!option)
                        continue;
                int gate = check_gates(policy, option, place, d),
                    host = check_host(policy, option, place->option, d);
                r = gate < 0 ? gate : host < 0 ? host : r;
        }
        return r;
}
