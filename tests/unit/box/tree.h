/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Removes a directory and all below it, without following links. Return: 0, or -1 with errno. */
int tree_remove(const char *path);
