/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>

/* Return: what the peer said of its error, or else the error's name; a peer need not say anything. Owned by
 * @error; NULL only when @error is. */
static inline const char *bus_error_text(const sd_bus_error *error) {
        if (!error)
                return NULL;
        return error->message ? error->message : error->name;
}
