/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "task/request.h"

/**
 * yaml_task_load() - read a task from a YAML file
 *
 * The task has the name of the file unless the file gives it another one. The error lists all mistakes, each
 * in a line that starts with file, line and column.
 *
 * Return: 0, or a negative errno with @ret_error set.
 */
int yaml_task_load(const char *path, TaskRequest **ret, Error **ret_error);

/* As yaml_task_load(), for a text of @n bytes that came from @path. */
int yaml_task_parse(const char *path, const char *text, size_t n, TaskRequest **ret, Error **ret_error);

/* Return: the absolute directory of a file, where relative paths in the file start; "/" if it cannot be
 * found out. Owned by the caller. */
char *yaml_task_directory(const char *path);
