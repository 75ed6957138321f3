/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "task/policy.h"
#include "task/spec.h"

/* The names of a task, and what its unit says about it. No option changes the machine or the unit. */
typedef struct TaskIdentity {
        char *name;            /* for people */
        char *machine;         /* name of the container, a valid host name of at most 64 bytes */
        char *owner;           /* the Nomad node that the task belongs to (engine/owner.h), or NULL */
        char *description;     /* of the unit, one line */
        char *slice;           /* of the unit */
        char *machine_id;      /* 32 hex digits; NULL leaves the choice to systemd-nspawn */
        char **journal_fields; /* FIELD=value, put on each journal entry of the unit */
} TaskIdentity;

/* A network that exists before the task starts. */
typedef struct Network {
        char *namespace_path; /* of a network namespace to join, or NULL */
} Network;

/*
 * A task that a front end wants to run. The front end fills it, and task_request_check() completes it; from
 * then on nobody changes it. Facts that the engine finds out later, such as the path of the image, go into
 * other objects (task/root.h).
 */
typedef struct TaskRequest {
        TaskIdentity identity;
        TaskSpec spec;
        Network network;
        TaskLaunch launch; /* follows from boot, process_two and init of the spec */
} TaskRequest;

TaskRequest *task_request_new(void);
TaskRequest *task_request_free(TaskRequest *request);
DEFINE_CLEANUP(TaskRequest *, task_request_free)
#define _cleanup_task_request_ _cleanup_(task_request_freep)

/**
 * task_request_check() - set `launch`, and check the policy and the combinations of options
 * @policy: which options are allowed
 * @use:    where the options come from
 * @d:      filled by the decoder; gets all mistakes
 *
 * Return: 0 when there are no mistakes at all, those of the decoder included; else a negative errno.
 */
int task_request_check(TaskRequest *request, const Policy *policy, OptionUse use, Diagnostics *d);

/* Return: whether the option command is no program to run, but arguments of the image's init system. */
bool task_request_boots_with_arguments(const TaskRequest *request);

/* The warning in that case: the user may have meant a program. */
#define TASK_BOOTS_WITH_ARGUMENTS \
        "command: its words are arguments of the image's init system, since boot is true (the default); " \
        "boot = false runs command instead"

/* Return: whether systemd may start the unit again by itself: to restart it, or for a system that reboots.
 */
bool task_request_runs_again(const TaskRequest *request);
