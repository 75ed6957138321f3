/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/value.h"

/* Room for the longest command line (task/limits.h), however it is quoted. */
#define YAML_SIZE_MAX (8 * 1024 * 1024)

/**
 * yaml_read() - read one YAML document
 * @text: UTF-8, @n bytes
 * @name: what to call the text in errors, such as a file name
 *
 * Types are those of YAML 1.2's core schema: yes, no, on, off and numbers with leading zeros are strings.
 * Anchors, aliases, merge keys and tags outside the core are refused, as are keys that come twice. Every
 * value and key knows its line and column. A text without a document is VALUE_NULL.
 *
 * Return: 0 with the tree in @ret, owned by the caller; -E2BIG for a text over the limit; -EINVAL with
 * "NAME:LINE:COLUMN: message" for a text that cannot be read.
 */
int yaml_read(const char *text, size_t n, const char *name, Value **ret, Error **ret_error);
