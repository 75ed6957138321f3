/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"

/* Looks for the programs of a task that were not found before: packages come and go while we run. */
void engine_find_programs(Engine *engine);
