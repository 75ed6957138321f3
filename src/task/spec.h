/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/string-map.h"
#include "task/diagnostics.h"
#include "task/environment.h"
#include "task/values.h"

/*
 * The options of a task, as a Nomad job or a YAML file gives them. TaskSpec knows neither systemd nor Nomad.
 * Each member belongs to rows of the option table (task/option-table.c), which has the defaults too.
 */

/* A directory or file of the host inside the container. */
typedef struct TaskBind {
        char *source; /* absolute path on the host */
        char *target; /* absolute path in the container */
        bool read_only;
} TaskBind;

/* Which program is the first process in the container. */
typedef enum TaskLaunch {
        TASK_LAUNCH_BOOT,      /* the image's own init system */
        TASK_LAUNCH_SUPERVISE, /* our init, with the command as its child */
        TASK_LAUNCH_STUB,      /* nspawn's stub init, with the command as process two */
        TASK_LAUNCH_DIRECT,    /* the command itself */
        _TASK_LAUNCH_MAX,
} TaskLaunch;

/* When systemd restarts the container in place. */
typedef struct TaskRestart {
        RestartPolicy policy;
        uint64_t delay_usec;    /* between an end and the next start */
        uint64_t max_attempts;  /* 0 for no limit */
        uint64_t interval_usec; /* period in which max_attempts are allowed; 0 for the unit's whole life */
} TaskRestart;

/* How many lines of a task the journal accepts in a period; it drops all further ones. */
typedef struct TaskLogRateLimit {
        uint64_t burst;         /* lines; 0 for no limit */
        uint64_t interval_usec; /* the period */
} TaskLogRateLimit;

/*
 * Largest burst: journald multiplies it by up to 47, in 32 bits (burst_modulate(), journald-rate-limit.c).
 */
#define LOG_RATE_LIMIT_BURST_MAX 90000000

/* The least that restart.delay may be: what RestartSec= is by default (systemd.service(5)). */
#define RESTART_DELAY_MIN_USEC (100 * USEC_PER_MSEC)

/*
 * The least memory limit, in bytes, that a container can start with. Measured: systemd-nspawn with our init
 * and a shell needs 2.5 MiB with systemd 252 and 3 MiB with 257 and 262; the rest is a margin.
 */
#define TASK_MEMORY_MIN (UINT64_C(4) << 20)

typedef struct TaskSpec {
        char *name; /* NULL where the front end names the task */
        TaskLogRateLimit log_rate_limit;

        /* image and root */
        char *image;
        bool read_only;
        bool ephemeral;
        VolatileMode volatile_mode;
        char *pivot_root;

        /* process */
        bool boot;
        bool process_two;
        bool init; /* our init is the first process; ignored when boot or process_two is true */
        char **command;
        StringMap environment;
        char *user;
        char *working_directory;
        Console console;
        bool tty; /* the command has a terminal */
        char **capability;
        char *reload_signal; /* what a reload of the unit sends to the command; NULL for none */
        TaskRestart restart;

        /* users */
        bool user_namespacing;
        char *private_users;
        Ownership private_users_ownership;

        /* mounts */
        TaskBind *binds;
        size_t n_binds;

        /* network */
        bool network_veth;
        ResolvConf resolv_conf;

        /* resources; 0 is "not set" except where said */
        uint64_t memory_max; /* bytes; UINT64_MAX for no limit */
        uint64_t memory_low; /* bytes */
        uint64_t cpu_shares; /* 1024 is the default weight of a unit */
        char *cpus;          /* list such as 0-3,5 */
        OomPolicy oom_policy;
} TaskSpec;

/* Return: a spec without any value, not even the defaults (option_set_defaults()). */
TaskSpec *task_spec_new(void);
TaskSpec *task_spec_free(TaskSpec *spec);

/* Frees all values; @spec is without any value then. */
void task_spec_clear(TaskSpec *spec);
DEFINE_CLEANUP(TaskSpec *, task_spec_free)
#define _cleanup_task_spec_ _cleanup_(task_spec_freep)

/* Adds a bind mount; both paths are copied. */
void task_spec_add_bind(TaskSpec *spec, const char *source, const char *target, bool read_only);

TaskLaunch task_spec_launch(const TaskSpec *spec);

/* Return: whether the container has a user namespace of its own. */
bool task_spec_has_user_namespace(const TaskSpec *spec);

/* Return: whether the image cannot be written to, so that places for mounts must exist in it. */
bool task_spec_keeps_root_read_only(const TaskSpec *spec);

/* Return: whether the task has a restart policy, so that systemd may restart the container. */
bool task_spec_restarts(const TaskSpec *spec);

/**
 * task_spec_validate() - check the combinations of options, as the decoder does not
 * @d: knows which options are given and which could not be read, and gets the mistakes
 *
 * A combination that systemd-nspawn refuses or that loses data is a mistake of one option, whose message
 * names the others. A command that is too long for the kernel is a mistake, too (task/limits.h). Rules that
 * depend on an option that could not be read are skipped.
 *
 * Return: 0, or -EINVAL or -E2BIG.
 */
int task_spec_validate(const TaskSpec *spec, Diagnostics *d);
