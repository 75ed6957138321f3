/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/system-bus.h"

/**
 * ask_systemd() - run the event loop for one question to systemd
 * @begin: called once systemd can be talked to; sd_event_exit() with a status ends the loop
 *
 * Return: the exit status.
 */
int ask_systemd(void (*begin)(SystemBus *system_bus, void *userdata), void *userdata);
