/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "task/exit-result.h"
#include "task/request.h"
#include "task/root.h"
#include "unit/host.h"
#include "unit/plan.h"
#include "unit/unit-host.h"

/* Why a start failed, where the isolation's own messages say so and the author of the job can change it. */
typedef enum IsolationFailure {
        ISOLATION_FAILURE_OTHER,
        ISOLATION_FAILURE_IMAGE_BUSY, /* another task uses the image, and one of the two may write to it */
        ISOLATION_FAILURE_IMAGE_READ_ONLY, /* something had to be made in a read-only image */
} IsolationFailure;

/*
 * An isolation is a way to shut a task off from the host: a program that the unit runs, and what the engine
 * has to know of that program. The engine itself knows no such program by name.
 *
 * The leader is the first process of the task's pid namespace. The payload is the process that the job
 * speaks of: its command, or the image's init system.
 */
typedef struct Isolation {
        const char *name;

        /* Return: 0, or a negative errno with @ret_error where this host lacks what the isolation needs. */
        int (*check)(const HostFacts *facts, Error **ret_error);

        /* Adds the properties of the unit that only this isolation needs. */
        void (*plan)(UnitPlan *plan, const TaskRequest *request, const Root *root, const UnitHost *host);

        /* Return: the command line of the unit's program, which every user of the host may read; its path
         * comes first. Owned by the caller. */
        char **(*arguments)(const TaskRequest *request, const Root *root, const UnitHost *host);

        /* Return: whether the payload inherits the unit's three standard descriptors themselves. */
        bool (*hands_streams_on)(const TaskRequest *request);

        /**
         * find_leader() - find the leader of a unit that runs
         * @main_pid:      the unit's MainPID
         * @control_group: of the unit, as systemd tells it; NULL while unknown
         *
         * Return: its pid; -ESRCH when there is none (yet, or any more); or another negative errno.
         */
        pid_t (*find_leader)(pid_t main_pid, const char *control_group);

        /**
         * signal_payload() - send a signal to the payload
         * @leader_fd: pidfd of @leader
         *
         * Return: 0; -ESRCH when there is no process that could take it now; or another negative errno.
         */
        int (*signal_payload)(pid_t leader, int leader_fd, TaskLaunch launch, int signal);

        /* Return: the signal for the payload that asks the task to end; @wanted: the job's, 0 for none. */
        int (*stop_signal)(TaskLaunch launch, int wanted);

        /**
         * result() - derive how the payload ended from how the unit's main process ended
         * @code:              CLD_EXITED, CLD_KILLED or CLD_DUMPED; anything else where it never ran
         * @status:            exit status or signal
         * @ret_needs_message: whether a signal may have ended the payload, and only the journal can tell
         */
        ExitResult (*result)(int code, int status, bool *ret_needs_message);

        /* Return: the signal that ended the payload, as the unit's last lines in the journal tell; or -1. */
        int (*signal_of_message)(const char *message);

        /*
         * Return: whether a run ended with a reboot of the system in it, so that systemd runs the unit
         * again.
         */
        bool (*is_reboot)(TaskLaunch launch, const ExitResult *result);

        /*
         * Return: which failure @message reports, the last lines in the journal of a unit whose start
         * failed.
         */
        IsolationFailure (*failure)(const char *message);
} Isolation;

/* The isolation of a task that asks for none. */
#define ISOLATION_DEFAULT "nspawn"

/* Return: the row with this name, which lives as long as the program; NULL when there is none. */
const Isolation *isolation_find(const char *name);
