/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/value.h"

/* The options of the driver as a whole, which the operator sets (task/option-table.c). */
typedef struct DriverConfig {
        bool enabled;
        bool volumes;                 /* volume_mount blocks may bring paths of the host into tasks */
        bool disable_log_collection;  /* tasks write to the journal, and Nomad collects nothing */
        uint64_t orphan_timeout_usec; /* until we end the tasks of a lost node; 0 for never */
} DriverConfig;

/**
 * driver_config_decode() - read the config of the plugin block
 * @value: NULL for a block without config: all defaults
 * @ret:   always set; options that could not be read have their default
 *
 * Return: 0, or -EINVAL with @ret_error set, which has a line for each mistake.
 */
int driver_config_decode(const Value *value, DriverConfig *ret, Error **ret_error);
