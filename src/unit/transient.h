/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "unit/nspawn.h"
#include "unit/plan.h"
#include "task/request.h"
#include "task/root.h"

/* What beside the task makes its unit. */
typedef struct UnitHost {
        bool register_machine; /* systemd-machined is there */
        int output;            /* the task's stdout; -1: the journal takes it */
        int fd_message;        /* socket with what the unit is handed (fd-letters.h), or -1 */
        bool keeps_fd_message; /* over restarts, where systemd does not */
        const char *helper;    /* absolute path of nspawn-units-helper */
        const char *directory; /* of the task (base/task-dir.h) */
        bool keeps_record;     /* record and notes in it outlive the unit */
} UnitHost;

/**
 * transient_plan() - plan the unit of a task
 * @ret: the plan, owned by the caller
 *
 * The unit runs "nspawn-units-helper start DIRECTORY": nspawn's command line is in the task's directory, so
 * that a unit of any length survives a reload of systemd.
 *
 * Return: 0, or a negative errno with @ret_error set.
 */
int transient_plan(const TaskRequest *request, const Root *root, const UnitHost *host, UnitPlan **ret,
        Error **ret_error);
