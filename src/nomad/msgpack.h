/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macro.h"
#include "base/value.h"

/* Nomad's configurations come as msgpack; nobody writes one that is bigger. */
#define MSGPACK_INPUT_MAX (4 * 1024 * 1024)

/**
 * msgpack_to_value() - decode one msgpack object
 *
 * Keys must be strings and none may come twice. Integers that do not fit are strings, as those are that
 * Nomad cannot express. No bytes at all are nothing: VALUE_NULL.
 *
 * Return: 0, or a negative errno with an error that names the place.
 */
int msgpack_to_value(const void *bytes, size_t n, Value **ret_value, Error **ret_error);
