/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "task/option.h"

/* The values of options that take one of a few words. 0 is the default, or an option that is not given. */

typedef enum VolatileMode {
        VOLATILE_NO,
        VOLATILE_YES,
        VOLATILE_STATE,
        VOLATILE_OVERLAY,
} VolatileMode;

typedef enum Console {
        CONSOLE_PIPE,
        CONSOLE_READ_ONLY,
        CONSOLE_INTERACTIVE,
        CONSOLE_PASSIVE,
} Console;

typedef enum ResolvConf {
        RESOLV_CONF_UNSET, /* systemd-nspawn decides */
        RESOLV_CONF_OFF,
        RESOLV_CONF_COPY_HOST,
        RESOLV_CONF_COPY_STATIC,
        RESOLV_CONF_COPY_UPLINK,
        RESOLV_CONF_COPY_STUB,
        RESOLV_CONF_REPLACE_HOST,
        RESOLV_CONF_REPLACE_STATIC,
        RESOLV_CONF_REPLACE_UPLINK,
        RESOLV_CONF_REPLACE_STUB,
        RESOLV_CONF_BIND_HOST,
        RESOLV_CONF_BIND_STATIC,
        RESOLV_CONF_BIND_UPLINK,
        RESOLV_CONF_BIND_STUB,
        RESOLV_CONF_DELETE,
        RESOLV_CONF_AUTO,
} ResolvConf;

typedef enum Ownership {
        OWNERSHIP_AUTO,
        OWNERSHIP_MAP,
        OWNERSHIP_CHOWN,
} Ownership;

typedef enum RestartPolicy {
        RESTART_NO,
        RESTART_ON_FAILURE,
        RESTART_ON_SUCCESS,
        RESTART_ALWAYS,
} RestartPolicy;

typedef enum OomPolicy {
        OOM_CONTINUE,
        OOM_STOP,
        OOM_KILL,
} OomPolicy;

/* The names of the values; systemd and systemd-nspawn use the same. */
extern const OptionValue volatile_values[], console_values[], resolv_conf_values[], ownership_values[],
        restart_policy_values[], oom_policy_values[];
