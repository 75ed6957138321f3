/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <ctype.h>
#include <errno.h>

#include "base/string.h"
#include "base/strv.h"
#include "unit/plan-private.h"

UnitPlan *plan_new(const char *unit) {
        UnitPlan *plan = xnew(UnitPlan, 1);

        plan->unit = xstrdup(unit);
        TAILQ_INIT(&plan->properties);
        return plan;
}

UnitPlan *plan_free(UnitPlan *plan) {
        PlanProperty *property;

        if (!plan)
                return NULL;

        while ((property = TAILQ_FIRST(&plan->properties))) {
                TAILQ_REMOVE(&plan->properties, property, properties);
                free(property->option);
                strv_free(property->words);
                free(property->bytes);
                free(property);
        }
        free(plan->unit);
        free(plan);
        return NULL;
}

/* Adds a property to the plan, sorted as in the table of properties. */
static PlanProperty *plan_add(UnitPlan *plan, const char *name) {
        PlanProperty *property = xnew(PlanProperty, 1), *next;

        property->row = property_find(name);
        property->fd = -1;
        TAILQ_FOREACH(next, &plan->properties, properties)
        if (next->row > property->row)
                break;
        if (next)
                TAILQ_INSERT_BEFORE(next, property, properties);
        else
                TAILQ_INSERT_TAIL(&plan->properties, property, properties);
        return property;
}

PlanProperty *plan_set_number(UnitPlan *plan, const char *name, uint64_t value) {
        PlanProperty *property = plan_add(plan, name);

        property->number = value;
        return property;
}

PlanProperty *plan_set_flag(UnitPlan *plan, const char *name, bool value) {
        return plan_set_number(plan, name, value);
}

PlanProperty *plan_set_words(UnitPlan *plan, const char *name, char *const *words) {
        PlanProperty *property = plan_add(plan, name);

        property->words = strv_copy(words);
        return property;
}

PlanProperty *plan_add_word(UnitPlan *plan, const char *name, const char *word) {
        PlanProperty *property = plan_add(plan, name);

        strv_append(&property->words, word);
        return property;
}

PlanProperty *plan_set_text(UnitPlan *plan, const char *name, const char *text) {
        return plan_add_word(plan, name, text);
}

PlanProperty *plan_set_line(UnitPlan *plan, const char *name, const char *text) {
        _cleanup_free_ char *line = xstrdup(text);

        for (char *p = line; *p; p++)
                if (iscntrl((unsigned char) *p) || *p == '\\')
                        *p = ' ';

        char *begin = line + strspn(line, " "), *end = begin + strlen(begin);
        while (end > begin && end[-1] == ' ')
                *--end = 0;
        return plan_set_text(plan, name, begin);
}

PlanProperty *plan_set_bytes(UnitPlan *plan, const char *name, const uint8_t *bytes, size_t n) {
        PlanProperty *property = plan_add(plan, name);

        property->bytes = n > 0 ? xmemdup(bytes, n) : NULL;
        property->n_bytes = n;
        return property;
}

PlanProperty *plan_set_fd(UnitPlan *plan, const char *name, int fd) {
        PlanProperty *property = plan_add(plan, name);

        property->fd = fd;
        return property;
}

PlanProperty *plan_add_command(UnitPlan *plan, const char *name, char *const *args, bool ignore_failure) {
        PlanProperty *property = plan_set_words(plan, name, args);

        property->ignore_failure = ignore_failure;
        return property;
}

void plan_allow_device(UnitPlan *plan, const char *node, const char *access) {
        const Property *row = property_find("DeviceAllow");
        PlanProperty *property;

        TAILQ_FOREACH(property, &plan->properties, properties)
        if (property->row == row)
                break;
        if (!property)
                property = plan_add(plan, row->name);
        strv_append(&property->words, node);
        strv_append(&property->words, access);
}

void plan_require(PlanProperty *property, const char *option) {
        string_replace(&property->option, option);
}

void plan_keep_from_bus(PlanProperty *property) {
        property->keep_from_bus = true;
}

int plan_property_is_known(const PlanProperty *property, unsigned version, Error **ret_error) {
        const Property *row = property->row;

        if (version >= row->since)
                return 1;
        if (!property->option)
                return 0;
        return error_set(ret_error, ENOTSUP, "%s needs systemd %u or newer (%s=), and this host has %u",
                property->option, row->since, row->key ? row->key : row->name, version);
}

int plan_append_properties(const UnitPlan *plan, sd_bus_message *m, unsigned version, Error **ret_error) {
        const PlanProperty *property;
        int r = sd_bus_message_open_container(m, 'a', "(sv)");

        TAILQ_FOREACH(property, &plan->properties, properties) {
                const PropertyValue value = {
                        .number = property->number,
                        .words = property->words,
                        .bytes = property->bytes,
                        .n_bytes = property->n_bytes,
                        .fd = property->fd,
                        .ignore_failure = property->ignore_failure,
                };

                if (r < 0)
                        break;
                r = plan_property_is_known(property, version, ret_error);
                if (r < 0)
                        return r;
                if (r > 0 && !property->keep_from_bus)
                        r = property_append(m, property->row, &value);
                if (r < 0)
                        return error_set(ret_error, r, "cannot describe the unit to systemd: %s: %s",
                                property->row->name, strerror(-r));
        }

        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? error_set(ret_error, r, "cannot describe the unit to systemd: %s", strerror(-r)) : 0;
}

int plan_append(const UnitPlan *plan, sd_bus_message *m, unsigned version, Error **ret_error) {
        int r = sd_bus_message_append(m, "ss", plan->unit, "fail");

        if (r >= 0) {
                r = plan_append_properties(plan, m, version, ret_error);
                if (r < 0)
                        return r;
                r = sd_bus_message_append(m, "a(sa(sv))", 0);
        }
        return r < 0 ? error_set(ret_error, r, "cannot describe the unit to systemd: %s", strerror(-r)) : 0;
}
