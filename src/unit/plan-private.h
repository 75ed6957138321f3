/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "unit/plan.h"

/* The insides of a plan, for plan.c and unit-file.c. */

struct PlanProperty {
        TAILQ_ENTRY(PlanProperty) properties;
        const Property *row;
        char *option; /* the user's option that requires it; NULL: only wanted */
        uint64_t number;
        char **words;
        uint8_t *bytes;
        size_t n_bytes;
        int fd;
        bool ignore_failure;
        bool keep_from_bus;
};

struct UnitPlan {
        char *unit;
        TAILQ_HEAD(, PlanProperty) properties;
};

/**
 * plan_property_is_known() - decide about one property
 *
 * Return: 1 when this systemd knows it, 0 when it is to be left out; -ENOTSUP with @ret_error when it is
 * required and not known.
 */
int plan_property_is_known(const PlanProperty *property, unsigned version, Error **ret_error);
