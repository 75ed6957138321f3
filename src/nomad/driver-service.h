/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "driver.pb-c.h"
#include "nomad/plugin.h"
#include "nomad/rpc.h"

/* The two services that Nomad expects of a task driver: BasePlugin and Driver. */

#define DRIVER_SERVICES 2

/**
 * driver_services_fill() - write the rows of these services
 * @rows:   room for DRIVER_SERVICES of them
 * @plugin: must live as long as the server
 */
void driver_services_fill(Plugin *plugin, RpcService rows[static DRIVER_SERVICES]);

/* Fills in what Nomad may ask of the driver. @ret borrows its pointers: do not free them. */
void driver_capabilities_fill(const DriverConfig *config, Driver__DriverCapabilities *ret);
