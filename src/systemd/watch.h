/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "systemd/manager.h"

/*
 * Signals of units. One match brings those of all: the bus takes 512 matches from a connection
 * (dbus-daemon(1), max_match_rules_per_connection), and libsystemd closes one that has asked for more
 * (sd-bus.c, add_match_callback(), systemd 252).
 */

/* @m: a PropertiesChanged of the unit, to be read from its beginning */
typedef void (*WatchChanged)(void *userdata, sd_bus_message *m);

/* Zero-initialised is no watch. */
typedef struct Watch {
        LIST_ENTRY(Watch) entries;
        Manager *manager; /* NULL when nothing is watched */
        const char *path;
        uint64_t n_told;
        WatchChanged changed;
        void *userdata;
} Watch;

typedef struct Watches {
        sd_bus_slot *match;
        uint64_t n_signals;
        LIST_HEAD(, Watch) list;
} Watches;

/**
 * watch_begin() - be told of every signal of a unit that comes from now on
 * @path: the unit's object, stays the caller's and as it is
 *
 * Holds over a loss of the connection. @changed may begin and end any watch, its own too.
 */
void watch_begin(Watch *watch, Manager *manager, const char *path, WatchChanged changed, void *userdata);

/* May be called at any time. */
void watch_end(Watch *watch);

/* Asks for the signals on a new connection, or lets go of an old one. Return: 0 or a negative errno. */
int watches_open(Watches *watches, sd_bus *bus);
void watches_close(Watches *watches);
