/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/**
 * duration_parse() - read a duration such as 500ms, 5s or 1m30s
 *
 * Reads whole numbers with the units d, h, m, s and ms, the longest first and each at most once. A number
 * without a unit means seconds.
 *
 * Return: whether @text is a duration; *ret_usec is set then.
 */
bool duration_parse(const char *text, uint64_t *ret_usec);
