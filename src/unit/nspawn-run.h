/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "unit/isolation.h"

/* The processes of a running systemd-nspawn, and how it ends. isolation.h says what the functions do. */

/* nspawn's exit status when the container rebooted (systemd-nspawn(1), --keep-unit; nspawn.c). */
#define NSPAWN_STATUS_REBOOT 133

pid_t nspawn_find_leader(pid_t main_pid, const char *control_group);
int nspawn_signal_payload(pid_t leader, int leader_fd, TaskLaunch launch, int signal);
int nspawn_stop_signal(TaskLaunch launch, int wanted);
ExitResult nspawn_result(int code, int status, bool *ret_needs_message);
int nspawn_signal_of_message(const char *message);
bool nspawn_is_reboot(TaskLaunch launch, const ExitResult *result);
IsolationFailure nspawn_failure(const char *message);
