/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>

#include "nomad/driver-service.h"

TestSuite(plugin, .timeout = 30);

Test(plugin, signals_and_commands_are_capabilities) {
        Driver__DriverCapabilities capabilities;

        driver_capabilities_fill(&(DriverConfig){}, &capabilities);
        cr_assert(capabilities.send_signals && capabilities.exec && !capabilities.must_create_network);
        cr_assert_eq(capabilities.fs_isolation, DRIVER__DRIVER_CAPABILITIES__FS_ISOLATION__IMAGE);
        cr_assert_eq(capabilities.n_network_isolation_modes, 2);
}

Test(plugin, nomad_is_told_not_to_collect_output) {
        Driver__DriverCapabilities capabilities;

        driver_capabilities_fill(&(DriverConfig){}, &capabilities);
        cr_assert_not(capabilities.disable_log_collection);
        driver_capabilities_fill(&(DriverConfig){ .disable_log_collection = true }, &capabilities);
        cr_assert(capabilities.disable_log_collection);
}
