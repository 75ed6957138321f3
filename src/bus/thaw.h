/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/system-bus.h"

/*
 * Thaws a unit, which must be done before the unit is stopped or killed. systemd refuses to stop a frozen
 * unit since version 256. To kill the processes of a frozen unit is worse: systemd 254 and newer makes the
 * process of ExecStopPost= in the frozen group and waits for its execve(), which never comes
 * (core/exec-invoke.c, posix_spawn()), and PID 1 hangs until somebody thaws the group.
 */
typedef struct Thaw Thaw;

/**
 * ThawDone - the unit may be stopped or killed now, or cannot be thawed
 * @error: NULL when the unit is not frozen, or not any more; else why it is frozen and what would help, or
 *         that its state is unknown
 */
typedef void (*ThawDone)(void *userdata, const Error *error);

/**
 * thaw_new() - thaw the processes of a unit if they are frozen
 * @unit: a service; one that has no processes is not frozen
 *
 * Asks systemd to thaw the unit (ThawUnit, systemd 246), and writes to its control group where that does not
 * help: systemd thaws only active units. A frozen slice above the unit is not touched.
 *
 * Return: 0, or a negative errno without a connection. @done is called once from the loop, unless the
 * connection is lost before. @done may free the Thaw; to free it earlier ends the waiting.
 */
int thaw_new(SystemBus *system_bus, const char *unit, ThawDone done, void *userdata, Thaw **ret);
Thaw *thaw_free(Thaw *thaw);
DEFINE_CLEANUP(Thaw *, thaw_free)
