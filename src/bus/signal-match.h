/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "bus/system-bus.h"

/*
 * Signals of units. A watch has a match of its own, so that nobody is woken by other units, up to a number:
 * the bus takes 512 matches from a connection (dbus-daemon(1), max_match_rules_per_connection), and
 * libsystemd closes one that has asked for more (sd-bus.c, add_match_callback(), systemd 252). The rest
 * share one that brings the signals of all units.
 */
#define SIGNAL_MATCHES_OWN_MAX 256

/* @m: a PropertiesChanged of the unit, to be read from its beginning */
typedef void (*SignalMatchChanged)(void *userdata, sd_bus_message *m);

/* Zero-initialised is no watch. */
typedef struct SignalMatch {
        LIST_ENTRY(SignalMatch) sharing;
        SystemBus *system_bus; /* NULL when nothing is watched */
        sd_bus_slot *own;      /* NULL when it shares */
        const char *path;
        uint64_t n_told;
        SignalMatchChanged changed;
        void *userdata;
} SignalMatch;

typedef struct SignalMatches {
        size_t n_own;
        sd_bus_slot *shared; /* while anybody shares it */
        uint64_t n_signals;  /* that it brought */
        LIST_HEAD(, SignalMatch) sharing;
} SignalMatches;

/**
 * signal_match_begin() - be told of every signal of a unit that comes from now on
 * @path: the unit's object, stays the caller's and as it is
 *
 * Holds for as long as the connection, which must be there. @changed may begin and end any watch, its own
 * too. Calls that are sent next are answered when the bus knows of the watch.
 *
 * Return: 0, or a negative errno and nothing is watched.
 */
int signal_match_begin(SignalMatch *watch, SystemBus *system_bus, const char *path,
        SignalMatchChanged changed, void *userdata);

/* May be called at any time. */
void signal_match_end(SignalMatch *watch);

/* The connection is being closed. */
void signal_matches_close(SignalMatches *watches);
