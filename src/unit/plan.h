/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "bus/property.h"

/*
 * The plan of a transient unit: its name and its properties. It is made without a connection to systemd, and
 * can be sent to systemd or printed as a unit file.
 *
 * A property is wanted or required. If systemd is too old to know a property, a wanted one is left out. A
 * required one is what a user asked for: without it the plan is refused.
 *
 * Properties stand in the order of the table of property.c, so callers may add them in any order. Properties
 * of one name stand in the order in which they were added.
 */
typedef struct UnitPlan UnitPlan;

/* One property of a plan, owned by the plan. */
typedef struct PlanProperty PlanProperty;

/* @unit: the unit's name. Return: an empty plan, never NULL. */
UnitPlan *plan_new(const char *unit);
UnitPlan *plan_free(UnitPlan *plan);
DEFINE_CLEANUP(UnitPlan *, plan_free)
#define _cleanup_plan_ _cleanup_(plan_freep)

/*
 * Each of these adds a property that is wanted. @name must be in the table of property.c, with a type that
 * takes such a value. Values are copied, and a descriptor is borrowed until the plan is appended.
 *
 * Return: the property, for plan_require(); never NULL.
 */
PlanProperty *plan_set_flag(UnitPlan *plan, const char *name, bool value);
/* For all types whose value is a number. */
PlanProperty *plan_set_number(UnitPlan *plan, const char *name, uint64_t value);
PlanProperty *plan_set_text(UnitPlan *plan, const char *name, const char *text);
/**
 * plan_set_line() - as plan_set_text(), for a text that a user chose
 *
 * systemd writes the text into a unit file as it is (dbus-util.c, 252 to 255). There a line break would
 * begin another setting, with the rights of root, and a backslash may join the next line to this one: both
 * become spaces. Spaces at both ends are removed, as systemd does when it reads the file again.
 */
PlanProperty *plan_set_line(UnitPlan *plan, const char *name, const char *text);
PlanProperty *plan_set_words(UnitPlan *plan, const char *name, char *const *words);
/* One word of a list; another call with the same @name adds another. */
PlanProperty *plan_add_word(UnitPlan *plan, const char *name, const char *word);
PlanProperty *plan_set_bytes(UnitPlan *plan, const char *name, const uint8_t *bytes, size_t n);
PlanProperty *plan_set_fd(UnitPlan *plan, const char *name, int fd);

/**
 * plan_add_command() - add a command that systemd runs for the unit
 * @args:           the program's absolute path and its arguments; systemd replaces a "$" in them
 * @ignore_failure: whether the unit goes on although the command failed
 *
 * systemd 252 reads back neither ExecStartEx= nor what it wrote for a "$" when it reloads its units
 * (dbus-execute.c, bus_set_transient_exec_command()). So commands are plain properties, and no word of them
 * may come from a job.
 */
PlanProperty *plan_add_command(UnitPlan *plan, const char *name, char *const *args, bool ignore_failure);

/* Lets the unit use a device: a node or a group of them, and some of "rwm" (systemd.resource-control(5)). */
void plan_allow_device(UnitPlan *plan, const char *node, const char *access);

/* Makes a property required. @option: what the user calls it, for the error of plan_append(). */
void plan_require(PlanProperty *property, const char *option);

/*
 * Marks a property that systemd reads from a file beside the unit (journal-fields.h): it is not sent over
 * the bus.
 */
void plan_keep_from_bus(PlanProperty *property);

/**
 * plan_append() - append the arguments of StartTransientUnit: name, mode, properties, no other units
 * @m:       an empty call of that method
 * @version: systemd's
 *
 * Return: 0; -ENOTSUP when systemd is too old for a required property; or another negative errno. @ret_error
 * is set.
 */
int plan_append(const UnitPlan *plan, sd_bus_message *m, unsigned version, Error **ret_error);

/* Appends the properties only, a(sv). Return: as plan_append(). */
int plan_append_properties(const UnitPlan *plan, sd_bus_message *m, unsigned version, Error **ret_error);

/**
 * plan_to_unit_file() - print the unit as a file
 * @version: systemd's, as for plan_append()
 * @ret:     the text, owned by the caller
 *
 * systemd reads the same unit from it as from the message, except for what a file cannot express:
 * descriptors, which are named in comments, and properties that only concern the call.
 *
 * Return: 0; -ENOTSUP as plan_append(); or -EINVAL for a text that no unit file can hold. @ret_error is set.
 */
int plan_to_unit_file(const UnitPlan *plan, unsigned version, char **ret, Error **ret_error);
