/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/system-bus.h"

/*
 * A unit of systemd that is followed, without polling: what it is doing, over losses of the connection too.
 *
 * Only what systemd said is told of a unit: its properties, or that systemd has no such unit. A read that
 * fails in any other way (refused, timed out, cut off by the loss of the connection, an answer that makes no
 * sense) says nothing of the unit and is made again, however often: no caller can take it for an end.
 */

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

/*
 * Return: whether systemd has no such unit. It says so in two ways: there is no object for the unit, or
 * there is one that was made to answer the question, with LoadState "not-found" and inactive (core/dbus.c,
 * find_unit(), systemd 252 to 257). Both are told as the second.
 */
bool unit_status_is_gone(const UnitStatus *status);

/* Return: whether the unit rests in an end state, with no job to change that. */
bool unit_status_is_dead(const UnitStatus *status);

/* Return: whether systemd will start the unit again by itself (systemd.service(5), Restart=). */
bool unit_status_is_restarting(const UnitStatus *status);

/* Return: whether the unit's main process runs, if only to end soon. */
bool unit_status_is_up(const UnitStatus *status);

typedef struct Unit Unit;

typedef struct UnitCallbacks {
        /* The status was read; valid during the call. Never called from within a function of this header. */
        void (*changed)(void *userdata, const UnitStatus *status);
        /*
         * RETRY_MANY reads in a row have failed (retry.h); they go on. Says nothing of the unit, and is
         * called once until a read succeeds. May be NULL.
         */
        void (*unreadable)(void *userdata, const Error *error);
        /* The unit is neither stopped nor killed, since it is frozen and cannot be thawed. May be NULL. */
        void (*frozen)(void *userdata, const Error *error);
} UnitCallbacks;

/**
 * unit_new() - follow a unit
 * @callbacks: must live as long as the unit
 *
 * A call that is sent afterwards can cause no change that is missed. An end that is told was read from
 * systemd, never taken from a signal.
 *
 * While there is no connection nothing is told. When there is one again, changes are followed as before;
 * what happened meanwhile is told to those who call unit_refresh(), or who called it before the loss and
 * were not told anything since.
 *
 * Return: the unit, never NULL; to be freed before the system_bus is.
 */
Unit *unit_new(SystemBus *system_bus, const char *name, const UnitCallbacks *callbacks, void *userdata);
Unit *unit_free(Unit *unit);
DEFINE_CLEANUP(Unit *, unit_free)

const char *unit_name(const Unit *unit);

/* Reads the properties, now or as soon as they can be read; callbacks->changed is called with them. */
void unit_refresh(Unit *unit);

/*
 * Keeps systemd from forgetting the unit while this connection lives (Unit.Ref); loads it if needed.
 *
 * Return: 0; -ENOTCONN without a connection; or another negative errno, as for the others.
 */
int unit_pin(Unit *unit);

/* Lets go of a unit that was pinned or started with AddRef. */
void unit_unpin(Unit *unit);

/* Lets the processes of the unit go on if they are frozen, as all that ends it does first (thaw.h). */
int unit_thaw(Unit *unit);

/* Asks systemd to stop the unit, or to start it no more. */
int unit_stop(Unit *unit);

/* Sends @signal to every process of the unit. */
int unit_kill_all(Unit *unit, int signal);
