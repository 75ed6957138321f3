/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus/system-bus.h"

/*
 * Follows the status of a unit of systemd without polling, also after a loss of the connection.
 *
 * Callbacks report only what systemd said of a unit: its properties, or that systemd has no such unit. A
 * read that fails in any other way (refused, timed out, cut off by the loss of the connection, an invalid
 * answer) says nothing about the unit and is repeated until it succeeds, so that no caller can mistake it
 * for an end.
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
        uint32_t n_restarts; /* by systemd, since the last start by a client */
        int32_t exec_main_code;
        int32_t exec_main_status;
        uint64_t active_enter_usec; /* realtime; 0 when never */
        uint64_t exit_usec;         /* realtime; 0 while it runs */
} UnitStatus;

void unit_status_clear(UnitStatus *status);

/*
 * Return: whether systemd has no such unit. It says so in two ways: there is no object for the unit, or
 * there is one that was made to answer the question, with LoadState "not-found" and inactive (core/dbus.c,
 * find_unit(), systemd 252 to 257). Both are reported as the second.
 */
bool unit_status_is_gone(const UnitStatus *status);

/* Return: whether the unit rests in an end state, with no job to change that. */
bool unit_status_is_dead(const UnitStatus *status);

/* Return: whether systemd will start the unit again by itself (systemd.service(5), Restart=). */
bool unit_status_is_restarting(const UnitStatus *status);

/* Return: whether the unit's main process runs, even if it is about to end. */
bool unit_status_is_up(const UnitStatus *status);

typedef struct Unit Unit;

typedef struct UnitCallbacks {
        /* The status was read; valid during the call. Never called from within a function of this header. */
        void (*changed)(void *userdata, const UnitStatus *status);
        /*
         * RETRY_MANY reads in a row have failed (retry.h); more reads follow. Says nothing about the unit.
         * Called once until a read succeeds. May be NULL.
         */
        void (*unreadable)(void *userdata, const Error *error);
        /* The unit was neither stopped nor killed, since it is frozen and cannot be thawed. May be NULL. */
        void (*frozen)(void *userdata, const Error *error);
} UnitCallbacks;

/**
 * unit_new() - follow a unit
 * @callbacks: must live as long as the unit
 *
 * Changes that are caused by a call sent afterwards are never missed. An end that @callbacks->changed
 * reports was read from systemd, never taken from a signal.
 *
 * Without a connection no callback is called. When there is one again, changes are reported as before. What
 * happened meanwhile is reported only if the caller calls unit_refresh(), or called it before the loss and
 * got no status since.
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

/*
 * Thaws the processes of the unit if they are frozen (thaw.h). unit_stop() and unit_kill_all() do so first.
 */
int unit_thaw(Unit *unit);

/* Asks systemd to stop the unit, which also cancels an automatic restart. */
int unit_stop(Unit *unit);

/* Sends @signal to every process of the unit. */
int unit_kill_all(Unit *unit, int signal);
