/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>

#include "box/fake-leader.h"

bool fake_leader_is_gone;

static pid_t find(pid_t supervisor) {
        return supervisor > 0 && !fake_leader_is_gone ? FAKE_LEADER_PID : -ESRCH;
}

static int open_process(pid_t pid _unused_, pid_t parent _unused_) {
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int signal_process(int pidfd _unused_, int signal _unused_) {
        return -ESRCH;
}

const LeaderFunctions fake_leader = { find, open_process, signal_process };
