/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/macro.h"

/**
 * property_append() - append one unit property, (sv), to a StartTransientUnit call
 * @version: systemd's version; a property it does not know yet is left out
 * @name:    a property of the table in property.c
 *
 * The value follows, as sd_bus_message_append(3) takes it for the property's signature.
 *
 * Return: 0 or a negative errno.
 */
int property_append(sd_bus_message *m, unsigned version, const char *name, ...);

/**
 * property_append_text() - as property_append(), for a string of somebody's choice
 *
 * systemd writes it into a unit file as it is (dbus-util.c, 252 to 255), where a line break would begin
 * another setting, of root's, and a backslash may take the next line in: both become spaces.
 * Spaces at both ends go, as they do when systemd reads the file again.
 */
int property_append_text(sd_bus_message *m, unsigned version, const char *name, const char *text);

/**
 * property_begin() - as property_append(), for a value that is put together by the caller
 *
 * Return: 1 when the caller is to append the value and call property_end(); 0 when this systemd does not
 * know the property; or a negative errno.
 */
int property_begin(sd_bus_message *m, unsigned version, const char *name);
int property_end(sd_bus_message *m);
