/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>

#include "bus/system-bus.h"

/*
 * Signals of units. Each of the first SIGNAL_MATCHES_OWN_MAX matches has a rule of its own on the bus, so
 * that other units do not wake the program. There cannot be a rule for every match: the bus accepts 512
 * rules from a connection (dbus-daemon(1), max_match_rules_per_connection), and libsystemd closes a
 * connection that has asked for more (sd-bus.c, add_match_callback(), systemd 252). All further matches
 * share one rule that brings the signals of all units.
 */
#define SIGNAL_MATCHES_OWN_MAX 256

/* @m: a PropertiesChanged of the unit, to be read from its beginning */
typedef void (*SignalMatchChanged)(void *userdata, sd_bus_message *m);

/* A zero-initialised SignalMatch has not begun. */
typedef struct SignalMatch {
        LIST_ENTRY(SignalMatch) sharing;
        struct SignalMatches *matches; /* NULL when it has not begun */
        sd_bus_slot *own;              /* NULL when it shares */
        const char *path;
        uint64_t n_told;
        SignalMatchChanged changed;
        void *userdata;
} SignalMatch;

/**
 * signal_match_begin() - call @changed for every signal of a unit that comes from now on
 * @path: the unit's object; must stay valid and unchanged until the match is ended
 *
 * The match lasts as long as the connection, which must be ready. @changed may begin and end any match, its
 * own too. The bus adds the match before it delivers the answer of any call that is sent afterwards.
 *
 * Return: 0, or a negative errno and the match has not begun.
 */
int signal_match_begin(SignalMatch *match, SystemBus *system_bus, const char *path,
        SignalMatchChanged changed, void *userdata);

/* Ends a match, at the latest when the connection is lost. May be called at any time, and more than once. */
void signal_match_end(SignalMatch *match);

/* Return: how many signals the shared match has brought so far. */
uint64_t signal_matches_n_signals(SystemBus *system_bus);
