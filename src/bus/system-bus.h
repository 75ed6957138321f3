/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "bus/observer.h"

/*
 * The connection to org.freedesktop.systemd1: one system bus connection, one subscription. Everything is
 * asynchronous; a caller cancels a call or an object by freeing it.
 */

#define SYSTEMD_DESTINATION "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_UNITS SYSTEMD_PATH "/unit"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

typedef struct SystemBus SystemBus;

/* Called when the connection became usable (@error NULL), could not be made, or was lost. */
typedef void (*SystemBusChanged)(void *userdata, const Error *error);

/**
 * system_bus_new() - connect to systemd
 * @event:   loop; a reference is taken
 * @address: D-Bus address, NULL for the system bus
 *
 * Connects in the background, and again whenever the connection is lost. The connection is usable once
 * @changed was called without an error: systemd's version is known and signals are subscribed to
 * (org.freedesktop.systemd1(5): signals reach only clients that called Subscribe).
 *
 * Return: the connection to be, never NULL.
 */
SystemBus *system_bus_new(sd_event *event, const char *address, SystemBusChanged changed, void *userdata);
/*
 * Sends queued messages first, for a quarter of a second at most, since the bus may have ceased to read. All
 * users of the connection must be freed before, except jobs (job.h).
 */
SystemBus *system_bus_free(SystemBus *system_bus);
DEFINE_CLEANUP(SystemBus *, system_bus_free)

/* Return: the bus, owned by @system_bus; NULL while there is no connection. */
sd_bus *system_bus_connection(SystemBus *system_bus);
sd_event *system_bus_event(SystemBus *system_bus);

/* Return: whether calls can be made. False from the moment on that libsystemd finds the connection dead. */
bool system_bus_is_ready(const SystemBus *system_bus);

/* Return: systemd's version such as 252; 0 before the connection is ready. */
unsigned system_bus_version(const SystemBus *system_bus);

/* The oldest systemd that this program could be built and tested with (docs/distributions.md). */
#define SYSTEMD_VERSION_MIN 252

/* The connection must be ready. Return: 0, or -ENOTSUP with @ret_error set when its systemd is too old. */
int system_bus_check_version(const SystemBus *system_bus, Error **ret_error);

/* Return: whether systemd-machined can be reached, by itself or by bus activation. */
bool system_bus_has_machined(const SystemBus *system_bus);

/**
 * system_bus_new_call() - make a call of a method of systemd, without arguments
 *
 * Return: 0 or a negative errno; the message is the caller's.
 */
int system_bus_new_call(SystemBus *system_bus, const char *method, sd_bus_message **ret);

/**
 * system_bus_send() - call a method of systemd whose answer does not matter
 * @types: signature of the arguments that follow
 *
 * Return: 0 or a negative errno.
 */
int system_bus_send(SystemBus *system_bus, const char *method, const char *types, ...);

/**
 * system_bus_call() - call a method of any service on the bus, with an answer
 * @ret_slot: the call; freeing the slot ends the waiting
 * @callback: called from the loop; when the connection is lost, with an error that libsystemd makes up
 * @types:    signature of the arguments that follow, NULL for none
 *
 * Return: 0; -ENOTCONN when there is no connection, or when it just turned out to be dead; or another
 * negative errno.
 */
int system_bus_call(SystemBus *system_bus, sd_bus_slot **ret_slot, const char *destination, const char *path,
        const char *interface, const char *method, sd_bus_message_handler_t callback, void *userdata,
        const char *types, ...);

/*
 * As system_bus_call(), for a message that the caller has made. @limit_usec: how long to wait for the
 * answer; 0 for the default.
 */
int system_bus_call_message(SystemBus *system_bus, sd_bus_slot **ret_slot, sd_bus_message *call,
        sd_bus_message_handler_t callback, void *userdata, uint64_t limit_usec);

/*
 * Return: -ENOTCONN for the errors that say that a connection is dead, @r for all others. The first call on
 * a dead connection fails with one of several errors, before the loop learns of the loss.
 */
int system_bus_error(int r);

/* Return: whether @error says that systemd has no such unit, rather than that systemd could not answer. */
bool system_bus_has_no_unit(const sd_bus_error *error);

/**
 * system_bus_observe() - follow the connection
 * @observer: must not observe yet
 *
 * If the connection is ready, this function itself calls @callbacks->opened; if that fails, the connection
 * is given up from the loop. system_bus_free() calls no callback.
 */
void system_bus_observe(
        SystemBus *system_bus, BusObserver *observer, const BusObserverCallbacks *callbacks, void *userdata);

/*
 * An object that all users of a connection share, such as the queue of turn.h. There is one object of each
 * type for a connection, zero-initialised.
 */
typedef struct BusShareType {
        size_t size;
        void (*init)(void *share, SystemBus *system_bus);
        /* The connection is being freed; users of the object may still exist. */
        void (*clear)(void *share);
        BusObserverCallbacks observer; /* their userdata is the share */
} BusShareType;

/* Return: the object of this type, which the first call makes; owned by the system_bus. */
void *system_bus_share(SystemBus *system_bus, const BusShareType *type);
