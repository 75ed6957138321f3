/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "systemd/manager.h"

/*
 * Signals of units. A watch has a match of its own, so that nobody is woken by other units, up to a number:
 * the bus takes 512 matches from a connection (dbus-daemon(1), max_match_rules_per_connection), and
 * libsystemd closes one that has asked for more (sd-bus.c, add_match_callback(), systemd 252). The rest
 * share one that brings the signals of all units.
 */
#define WATCHES_OWN_MAX 256

/* @m: a PropertiesChanged of the unit, to be read from its beginning */
typedef void (*WatchChanged)(void *userdata, sd_bus_message *m);

/* Zero-initialised is no watch. */
typedef struct Watch {
        LIST_ENTRY(Watch) sharing;
        Manager *manager; /* NULL when nothing is watched */
        sd_bus_slot *own; /* NULL when it shares */
        const char *path;
        uint64_t n_told;
        WatchChanged changed;
        void *userdata;
} Watch;

typedef struct Watches {
        size_t n_own;
        sd_bus_slot *shared; /* while anybody shares it */
        uint64_t n_signals;  /* that it brought */
        LIST_HEAD(, Watch) sharing;
} Watches;

/**
 * watch_begin() - be told of every signal of a unit that comes from now on
 * @path: the unit's object, stays the caller's and as it is
 *
 * Holds for as long as the connection, which must be there. @changed may begin and end any watch, its own
 * too. Calls that are sent next are answered when the bus knows of the watch.
 *
 * Return: 0, or a negative errno and nothing is watched.
 */
int watch_begin(Watch *watch, Manager *manager, const char *path, WatchChanged changed, void *userdata);

/* May be called at any time. */
void watch_end(Watch *watch);

/* The connection is being closed. */
void watches_close(Watches *watches);
