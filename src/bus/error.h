/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>

/*
 * Return: the message of the error, or the error's name if the peer sent no message. It belongs to @error.
 * NULL only when @error is NULL.
 */
static inline const char *bus_error_text(const sd_bus_error *error) {
        if (!error)
                return NULL;
        return error->message ? error->message : error->name;
}
