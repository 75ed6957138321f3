/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/system-bus.h"

/* A unit of systemd that is watched: what it is doing, without polling. */

/* The properties that matter, as read last (org.freedesktop.systemd1(5)). */
typedef struct UnitStatus {
        char *load_state;
        char *active_state;
        char *sub_state;
        char *result;
        char *status_text;
        char *control_group;
        char *invocation_id; /* 32 hex digits, NULL before the first start */
        uint32_t job_id;     /* 0 without a pending job */
        uint32_t main_pid;   /* 0 while there is none */
        uint32_t n_restarts; /* by systemd, since the unit was started by somebody */
        int32_t exec_main_code;
        int32_t exec_main_status;
        uint64_t active_enter_usec; /* realtime; 0 when never */
        uint64_t exit_usec;         /* realtime; 0 while it runs */
} UnitStatus;

void unit_status_clear(UnitStatus *status);

/* Return: whether the unit rests in an end state, with no job to change that. */
bool unit_status_is_dead(const UnitStatus *status);

/* Return: whether systemd will start the unit again by itself (systemd.service(5), Restart=). */
bool unit_status_is_restarting(const UnitStatus *status);

/* Return: whether the unit's main process runs, if only to end soon. */
bool unit_status_is_up(const UnitStatus *status);

typedef struct Unit Unit;

typedef struct UnitCallbacks {
        /*
         * The unit's properties were read anew. @status is valid during the call; it is NULL when they could
         * not be read, and @error says why. A loss of the connection is not told here, but by
         * SystemBusChanged.
         */
        void (*changed)(void *userdata, const UnitStatus *status, const sd_bus_error *error);
        /* The unit is neither stopped nor killed, for it is frozen and cannot be thawed: @error has words.
         */
        void (*frozen)(void *userdata, const Error *error);
} UnitCallbacks;

/**
 * unit_new() - watch a unit
 * @callbacks: must live as long as the unit; only @frozen may be NULL
 *
 * A call sent afterwards can cause no change that is missed. What @changed is told of an end was read from
 * systemd anew, never taken from a signal.
 *
 * Return: 0, or a negative errno.
 */
int unit_new(
        SystemBus *system_bus, const char *name, const UnitCallbacks *callbacks, void *userdata, Unit **ret);
Unit *unit_free(Unit *unit);
DEFINE_CLEANUP(Unit *, unit_free)

const char *unit_name(const Unit *unit);

/* Reads the properties now; callbacks->changed is called with them. */
void unit_refresh(Unit *unit);

/* Keeps systemd from forgetting the unit while this connection lives (Unit.Ref); loads it if needed. */
int unit_pin(Unit *unit);

/* Lets go of a unit that was pinned or started with AddRef. */
void unit_unpin(Unit *unit);

/*
 * Lets the processes of the unit go on if they are frozen, which all that ends it does first (thaw.h).
 *
 * Return: 0 or a negative errno, as for the others.
 */
int unit_thaw(Unit *unit);

/* Asks systemd to stop the unit, or to start it no more. */
int unit_stop(Unit *unit);

/* Sends @signal to every process of the unit. */
int unit_kill_all(Unit *unit, int signal);
