/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/macro.h"

/* The kinds of values that unit properties have (org.freedesktop.systemd1(5)). */
typedef enum PropertyType {
        PROPERTY_FLAG,       /* b: value.number is 0 or 1 */
        PROPERTY_COUNT,      /* u */
        PROPERTY_MODE,       /* u: a file's mode, octal in a unit file */
        PROPERTY_NUMBER,     /* t: UINT64_MAX is "infinity" */
        PROPERTY_USEC,       /* t: microseconds, UINT64_MAX is "infinity" */
        PROPERTY_TEXT,       /* s: value.words[0] */
        PROPERTY_WORDS,      /* as */
        PROPERTY_FIELDS,     /* aay: value.words are FIELD=value */
        PROPERTY_PROCESSORS, /* ay: value.bytes is a bit for each processor, lowest byte first */
        PROPERTY_DEVICES,    /* a(ss): value.words are node and access by turns */
        PROPERTY_COMMAND,    /* a(sasb): value.words are one command, the program's path first */
        PROPERTY_STATUS,     /* (aiai): value.number is one exit status */
        PROPERTY_PROCESS,    /* au: value.number is one pid */
        PROPERTY_DESCRIPTOR, /* h: value.fd */
        _PROPERTY_TYPE_MAX,
} PropertyType;

/* The section of a unit file that has a property. */
typedef enum PropertySection {
        SECTION_NONE, /* it exists on the bus only */
        SECTION_UNIT,
        SECTION_SERVICE,
        _SECTION_MAX,
} PropertySection;

typedef struct Property {
        const char *name; /* on the bus */
        PropertyType type;
        unsigned since; /* first systemd that accepts it for a transient unit; 0: all we support */
        PropertySection section;
        const char *key; /* in a unit file, if it differs from the name on the bus */
} Property;

/* PropertyType says which members are used. All pointers and the descriptor are borrowed. */
typedef struct PropertyValue {
        uint64_t number;
        char *const *words;
        const uint8_t *bytes;
        size_t n_bytes;
        int fd;              /* duplicated into the message */
        bool ignore_failure; /* of a command */
} PropertyValue;

/**
 * property_find() - look up a unit property
 *
 * The table is in the order in which properties stand in a unit, so the addresses of rows can be compared to
 * sort properties.
 *
 * Return: its row, which lives as long as the program; NULL and a failed assertion for a name that the table
 * does not have.
 */
const Property *property_find(const char *name);

/**
 * property_append() - append one unit property, (sv), to a StartTransientUnit call
 *
 * Return: 0 or a negative errno.
 */
int property_append(sd_bus_message *m, const Property *property, const PropertyValue *value);
