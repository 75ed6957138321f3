/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bench.h"

/* Counts what a process says and hears on the system bus. What goes wrong ends the measurement. */
typedef struct BusCounter BusCounter;

/* @pid: has a connection to the bus. */
BusCounter *bus_counter_new(pid_t pid);
BusCounter *bus_counter_free(BusCounter *counter);

/* Return: messages from and to the process since the counter was made or asked last. */
unsigned bus_counter_take(BusCounter *counter);
