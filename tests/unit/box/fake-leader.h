/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kernel/leader.h"

/*
 * Stands in for the processes of containers (EngineConfig.processes), of which a fake systemd has none: each
 * unit that has a main process has a leader, which no signal reaches.
 */
extern const LeaderFunctions fake_leader;

#define FAKE_LEADER_PID 4242

/* No container has a first process. */
extern bool fake_leader_is_gone;
