/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macro.h"

/*
 * The options of a task, as a Nomad job or a YAML file gives them. TaskSpec knows neither systemd nor Nomad.
 */

/* A directory or file of the host inside the container. */
typedef struct TaskBind {
        char *source; /* absolute path on the host */
        char *target; /* absolute path in the container */
        bool read_only;
} TaskBind;

/* Who is the first process in the container. */
typedef enum TaskLaunch {
        TASK_LAUNCH_BOOT,      /* the image's own init system */
        TASK_LAUNCH_SUPERVISE, /* our init, with the command as its child */
        TASK_LAUNCH_STUB,      /* nspawn's stub init, with the command as process two */
        TASK_LAUNCH_DIRECT,    /* the command itself */
        _TASK_LAUNCH_MAX,
} TaskLaunch;

/* When systemd restarts the container in place. */
typedef struct TaskRestart {
        char *policy;           /* no, on-failure, on-success, always; NULL is no */
        uint64_t delay_usec;    /* between an end and the next start; 0 for the default */
        uint64_t max_attempts;  /* 0 for no limit */
        uint64_t interval_usec; /* in which max_attempts are allowed; 0 for the unit's whole life */
} TaskRestart;

/* How many lines the journal takes of a task; it drops what comes beyond that. */
typedef struct TaskLogRateLimit {
        uint64_t burst;         /* lines; 0 for no limit */
        uint64_t interval_usec; /* in which so many are taken; 0 for the default */
} TaskLogRateLimit;

#define LOG_RATE_LIMIT_INTERVAL_USEC (30 * USEC_PER_SEC)

/* journald multiplies it by up to 47, in 32 bits (burst_modulate(), journald-rate-limit.c). */
#define LOG_RATE_LIMIT_BURST_MAX 90000000

/* What RestartSec= is when nothing is said (systemd.service(5)), and the least that is allowed. */
#define RESTART_DELAY_MIN_USEC (100 * USEC_PER_MSEC)

/*
 * What a container cannot start with less of: measured in bytes, nspawn with our init and a shell needs 2.5
 * MB with systemd 252 and 3 MB with 257 and 262; the rest is a margin.
 */
#define TASK_MEMORY_MIN (UINT64_C(4) << 20)

typedef struct TaskSpec {
        char *name; /* NULL where the front end names the task */
        TaskLogRateLimit log_rate_limit;

        /* image and root */
        char *image;
        bool read_only;
        bool ephemeral;
        char *volatile_mode; /* yes, no, state, overlay; NULL is no */
        char *pivot_root;

        /* process */
        bool boot;
        bool process_two;
        bool init; /* ours is the first process, unless boot or process_two say otherwise */
        char **command;
        char **environment; /* NAME=value, each name once */
        char *user;
        char *working_directory;
        char *console;
        bool tty; /* the command has a terminal */
        char **capability;
        char *reload_signal; /* what a reload of the unit sends to the command; NULL for none */
        TaskRestart restart;

        /* users */
        bool user_namespacing;
        char *private_users;
        char *private_users_ownership;

        /* mounts */
        TaskBind *binds;
        size_t n_binds;

        /* network */
        bool network_veth;
        char *resolv_conf;

        /* resources; 0 is "not set" except where said */
        uint64_t memory_max; /* bytes; UINT64_MAX for no limit */
        uint64_t memory_low; /* bytes */
        uint64_t cpu_shares; /* 1024 is the weight of a unit that says nothing */
        char *cpus;          /* list such as 0-3,5 */
        char *oom_policy;    /* continue, stop, kill; NULL is continue */

        char **refused; /* names of options that were given and could not be read */
} TaskSpec;

/* What the operator says of the driver as a whole. */
typedef struct DriverConfig {
        bool enabled;
        bool volumes;                 /* volume_mount blocks may bring paths of the host into tasks */
        bool disable_log_collection;  /* tasks write to the journal, and Nomad collects nothing */
        uint64_t orphan_timeout_usec; /* until tasks of a lost node are ended; 0 for never */
} DriverConfig;

TaskSpec *task_spec_new(void);
TaskSpec *task_spec_free(TaskSpec *spec);
void task_spec_clear(TaskSpec *spec);
DEFINE_CLEANUP(TaskSpec *, task_spec_free)
#define _cleanup_task_spec_ _cleanup_(task_spec_freep)

/* Adds a bind mount; both paths are copied. */
void task_spec_add_bind(TaskSpec *spec, const char *source, const char *target, bool read_only);

/* Sets NAME to @value in an environment, replacing what was there. */
void environment_set(char ***environment, const char *name, const char *value);

/* Return: the value of NAME, owned by the list, or NULL. */
const char *environment_get(char *const *environment, const char *name);

/* What a name must be, in words for errors. */
#define ENVIRONMENT_NAME_WANTED "a name that is not empty and has no = in it"

/* Return: whether a variable can have this name: the kernel and execve(2) know no other rule. */
bool environment_name_is_valid(const char *name);

TaskLaunch task_spec_launch(const TaskSpec *spec);

/* Return: whether the container is given a user namespace of its own. */
bool task_spec_has_user_namespace(const TaskSpec *spec);

/* Return: whether nothing can be made in the image, a place for a mount included. */
bool task_spec_keeps_root_read_only(const TaskSpec *spec);

/* Return: whether systemd is to restart the container. */
bool task_spec_restarts(const TaskSpec *spec);

/**
 * task_spec_validate() - check what single options cannot see
 *
 * Combinations that systemd-nspawn refuses or that lose data are refused here, in words that begin with an
 * option and name the others; and so is a command that is too long for the kernel (task/limits.h). What
 * depends on an option that could not be read is not looked at.
 *
 * Return: 0, or -EINVAL or -E2BIG with @ret_error set, which has a line for each mistake.
 */
int task_spec_validate(const TaskSpec *spec, Error **ret_error);
