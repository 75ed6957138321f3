/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Descriptors that a unit is started with; none is owned. */
typedef struct UnitDescriptors {
        int output;           /* the unit's stdout; -1: the journal takes it */
        int message;          /* the unit's stdin: a socket with other descriptors (fd-letters.h); or -1 */
        bool message_is_kept; /* our helper keeps it over restarts, because systemd would close it */
        bool init_reads_message; /* our init in the container finds it on its own stdin */
} UnitDescriptors;

/* What is needed to plan a task's unit, in addition to the task and its root. Every member is set. */
typedef struct UnitHost {
        const char *program;   /* absolute path of what the isolation runs, such as systemd-nspawn */
        const char *init;      /* absolute path of our init */
        const char *helper;    /* absolute path of nspawn-units-helper */
        const char *directory; /* of the task (base/task-dir.h) */
        bool keeps_record;     /* record and notes in it outlive the unit */
        bool register_machine; /* systemd-machined is there */
        UnitDescriptors descriptors;
} UnitHost;

/* Return: the part of the task's directory that is removed with the unit, owned by the caller. */
char *unit_host_directory(const UnitHost *host);
