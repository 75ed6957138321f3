/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/macro.h"

/*
 * Reads properties of D-Bus objects into the members of a struct, by a table with one row per property. The
 * same table serves the answers of GetAll and Get and the bodies of PropertiesChanged
 * (org.freedesktop.DBus.Properties, D-Bus Specification).
 */
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

/* Reads one value into a member. Return: 0 or more, or a negative errno. */
typedef int (*PropertyRead)(sd_bus_message *m, void *member);

typedef struct PropertyRow {
        const char *name;
        const char *signature; /* type of the value */
        PropertyRead read;
        size_t offset; /* of the member in the struct */
} PropertyRow;

/* "s" into a char *, which is owned by the struct and replaced. */
int property_read_string(sd_bus_message *m, void *member);
/* "u" into a uint32_t, "i" into an int32_t, "t" into a uint64_t */
int property_read_u32(sd_bus_message *m, void *member);
int property_read_i32(sd_bus_message *m, void *member);
int property_read_u64(sd_bus_message *m, void *member);
/*
 * "ay" of 16 bytes into a char * with 32 hex digits, as property_read_string(); other lengths are ignored.
 */
int property_read_id128(sd_bus_message *m, void *member);

/**
 * properties_read() - read an array of properties, a{sv}
 * @rows: properties without a row are ignored; members whose property is not in the message do not change
 * @ret:  the struct; after an error it may have been changed in part
 *
 * Return: 0; or a negative errno when the message does not match the table.
 */
int properties_read(sd_bus_message *m, const PropertyRow *rows, size_t n_rows, void *ret);

/* As properties_read(), for a single value, v. */
int property_read(sd_bus_message *m, const PropertyRow *row, void *ret);
