/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"

/* Looks for the programs of a task that were not found before: packages may be installed while we run. */
void engine_find_programs(Engine *engine);

/**
 * engine_check_host() - see whether tasks can be started on this host, now
 *
 * Return: 0, or a negative errno with @ret_error set; -EAGAIN without a connection to systemd.
 */
int engine_check_host(Engine *engine, Error **ret_error);
