/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>

#include "base/fd.h"
#include "base/signal.h"
#include "base/string.h"
#include "kernel/leader.h"
#include "unit/nspawn-run.h"

/* The unit's main process is nspawn. */
pid_t nspawn_find_leader(pid_t main_pid, const char *control_group) {
        return leader_find(main_pid, NULL, control_group);
}

static int signal_second_process(pid_t leader, int signal) {
        pid_t payload = payload_find(leader);

        if (payload < 0)
                return (int) payload;
        _cleanup_fd_ int fd = process_open(payload, leader);
        return fd < 0 ? fd : process_signal(fd, signal);
}

/*
 * If the first process is our init or nspawn's stub init, the command is the second. Our init passes on the
 * signals that it gets itself.
 */
int nspawn_signal_payload(pid_t leader, int leader_fd, TaskLaunch launch, int signal) {
        if (launch == TASK_LAUNCH_BOOT || launch == TASK_LAUNCH_DIRECT)
                return process_signal(leader_fd, signal);

        int r = signal_second_process(leader, signal);
        return r < 0 && launch == TASK_LAUNCH_SUPERVISE ? process_signal(leader_fd, signal) : r;
}

/*
 * A booted system takes SIGTERM and SIGINT for other things (systemd(1), Signals); both ask for its orderly
 * shutdown here, as they do when sent to nspawn.
 */
int nspawn_stop_signal(TaskLaunch launch, int wanted) {
        bool orderly = wanted == 0 || wanted == SIGTERM || wanted == SIGINT;

        if (launch == TASK_LAUNCH_BOOT && orderly)
                return SIGRTMIN + 3;
        return wanted ? wanted : SIGTERM;
}

/*
 * nspawn exits with the exit status of the container. When a signal ended the container, nspawn exits with 1
 * and names the signal only in its message (nspawn.c, wait_for_container(), systemd 252 to 256).
 */
ExitResult nspawn_result(int code, int status, bool *ret_needs_message) {
        *ret_needs_message = code == CLD_EXITED && status == EXIT_FAILURE;
        if (code == CLD_KILLED || code == CLD_DUMPED)
                return exit_result_of_signal(status);
        return code == CLD_EXITED ? exit_result_of_code(status) : (ExitResult){};
}

int nspawn_signal_of_message(const char *message) {
        static const char phrase[] = "terminated by signal ";
        const char *found = message ? strstr(message, phrase) : NULL;

        if (!found)
                return -1;
        found += sizeof(phrase) - 1;
        _cleanup_free_ char *name = xstrndup(found, strcspn(found, ".; "));
        return signal_from_string(name);
}

bool nspawn_is_reboot(TaskLaunch launch, const ExitResult *result) {
        return launch == TASK_LAUNCH_BOOT && result->code == NSPAWN_STATUS_REBOOT;
}

IsolationFailure nspawn_failure(const char *message) {
        /* nspawn.c, systemd 252 to 262. */
        static const struct {
                const char *phrase;
                IsolationFailure failure;
        } rows[] = {
                { "is currently busy", ISOLATION_FAILURE_IMAGE_BUSY },
                { "Read-only file system", ISOLATION_FAILURE_IMAGE_READ_ONLY },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strstr(message, rows[i].phrase))
                        return rows[i].failure;
        return ISOLATION_FAILURE_OTHER;
}
