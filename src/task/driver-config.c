/* SPDX-License-Identifier: Apache-2.0 */

#include "task/driver-config.h"
#include "task/option.h"

int driver_config_decode(const Value *value, DriverConfig *ret, Error **ret_error) {
        _cleanup_diagnostics_ Diagnostics d = {};

        *ret = (DriverConfig){};
        option_set_defaults(&driver_options, ret, OPTION_IN_DRIVER);
        if (value)
                (void) option_decode(&driver_options, ret, value, OPTION_IN_DRIVER, &d);
        return diagnostics_to_error(&d, ret_error);
}
