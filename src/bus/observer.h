/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/queue.h>
#include <systemd/sd-bus.h>

#include "base/macro.h"

/*
 * Parts of the program that follow the connection to the bus. A connection may be lost and made again any
 * number of times; each time its observers are called. What an observer had on the lost connection (slots,
 * calls under way) is void, and the observer lets go of it.
 */
typedef struct BusObserverCallbacks {
        /*
         * There is a connection that can be used. Return: 0, or a negative errno when the observer cannot do
         * its work on this connection, which is then given up and made again. May be NULL.
         */
        int (*opened)(void *userdata, sd_bus *bus);
        /* The connection is lost. Called only after @opened was due. May be NULL. */
        void (*lost)(void *userdata);
} BusObserverCallbacks;

/* Zero-initialised is no observer. */
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
 * Call each observer. Callbacks may add and remove any observer; one that is added meanwhile is not called.
 *
 * Return: 0, or the first negative errno; the rest is not called then.
 */
int bus_observers_open(BusObservers *observers, sd_bus *bus);
void bus_observers_lose(BusObservers *observers);

/* Removes all, without a call. */
void bus_observers_clear(BusObservers *observers);

/* Ends the observing. May be called at any time, and again. */
void bus_observer_end(BusObserver *observer);
