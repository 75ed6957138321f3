/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "task/driver-config.h"
#include "task/option.h"

/* What the operator and the host allow. A policy of all bits zero opens no gate. */
typedef struct Policy {
        unsigned gates;     /* bits of OptionGate that are open */
        unsigned isolation; /* the OptionIsolation that the task is to have; 0 when it is not known yet */
        unsigned systemd;   /* version of the host's; 0 when it is not known yet */
} Policy;

/* Return: the policy for jobs of Nomad on a client with this configuration. */
Policy policy_of_driver(const DriverConfig *config);

/* Return: the policy for the files of nspawnctl: root of the host may do everything. */
Policy policy_of_root(void);

/**
 * policy_check() - refuse the options that are given and not allowed
 * @use: only options with this use are known
 * @d:   knows which options are given, and gets a mistake for each one that is not allowed
 *
 * Return: 0, or -EPERM (the operator does not allow it) or -ENOTSUP (the host or the isolation cannot).
 */
int policy_check(const Policy *policy, const OptionTable *table, OptionUse use, Diagnostics *d);
