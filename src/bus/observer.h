/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>
#include <systemd/sd-bus.h>

#include "base/macro.h"

/*
 * Parts of the program that follow the connection to the bus. A connection may be lost and made again any
 * number of times; each time its observers are called. What an observer had on the lost connection (slots,
 * calls under way) is invalid, and the observer must free it.
 */
typedef struct BusObserverCallbacks {
        /*
         * A connection is ready. Return: 0, or a negative errno when the observer cannot do its work on this
         * connection, which is then given up and made again. May be NULL.
         */
        int (*opened)(void *userdata, sd_bus *bus);
        /* The connection is lost. Called only for a connection that was ready before. May be NULL. */
        void (*lost)(void *userdata);
} BusObserverCallbacks;

/* A zero-initialised BusObserver observes nothing. */
typedef struct BusObserver {
        LIST_ENTRY(BusObserver) observers;
        struct BusObservers *list; /* NULL when it does not observe */
        const BusObserverCallbacks *callbacks;
        void *userdata;
} BusObserver;

/* Observers of one connection (system-bus.h adds them). */
typedef struct BusObservers {
        LIST_HEAD(, BusObserver) list;
        BusObserver *next; /* during a walk through the list */
} BusObservers;

void bus_observers_add(BusObservers *observers, BusObserver *observer, const BusObserverCallbacks *callbacks,
        void *userdata);

/*
 * Call each observer. Callbacks may add and remove any observer; an observer that is added meanwhile is not
 * called.
 *
 * Return: 0, or the first negative errno; the remaining observers are not called then.
 */
int bus_observers_open(BusObservers *observers, sd_bus *bus);
void bus_observers_lose(BusObservers *observers);

/* Removes all observers without calling them. */
void bus_observers_clear(BusObservers *observers);

/* Removes an observer. May be called at any time, and more than once. */
void bus_observer_end(BusObserver *observer);
