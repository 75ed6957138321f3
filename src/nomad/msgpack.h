/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macro.h"
#include "base/value.h"

/* Most bytes of a configuration, which Nomad sends as msgpack. Nobody writes a bigger one. */
#define MSGPACK_INPUT_MAX (4 * 1024 * 1024)

/**
 * msgpack_to_value() - decode one msgpack object
 *
 * Keys must be strings, and no key may be twice in one map. Integers that do not fit into an int64_t become
 * strings; Nomad itself sends integers that it cannot express as strings. An empty input is VALUE_NULL.
 *
 * Return: 0, or a negative errno with an error that names the place.
 */
int msgpack_to_value(const void *bytes, size_t n, Value **ret_value, Error **ret_error);
