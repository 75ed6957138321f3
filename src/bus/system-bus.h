/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/error.h"

/*
 * The connection to org.freedesktop.systemd1: one system bus connection, one subscription. Everything is
 * asynchronous; whatever is cancelled is simply freed.
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
 * Return: the system_bus, never NULL.
 */
SystemBus *system_bus_new(sd_event *event, const char *address, SystemBusChanged changed, void *userdata);
SystemBus *system_bus_free(SystemBus *system_bus);
DEFINE_CLEANUP(SystemBus *, system_bus_free)

/* Return: the connection, owned by the system_bus; NULL while there is none. */
sd_bus *system_bus_connection(SystemBus *system_bus);
sd_event *system_bus_event(SystemBus *system_bus);

bool system_bus_is_ready(const SystemBus *system_bus);

/* Return: systemd's version such as 252; 0 before the connection is ready. */
unsigned system_bus_version(const SystemBus *system_bus);

/* The oldest that anybody could build and try this with (docs/architecture.md). */
#define SYSTEMD_VERSION_MIN 252

/* The connection must be ready. Return: 0, or -ENOTSUP with @ret_error set when its systemd is too old. */
int system_bus_check_version(const SystemBus *system_bus, Error **ret_error);

/* Return: whether systemd-machined can be reached, by itself or by bus activation. */
bool system_bus_has_machined(const SystemBus *system_bus);

/**
 * system_bus_new_call() - an empty call of a method of systemd
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

/* What uses the connection for many at once, owned by the connection (job.h, turn.h, signal-match.h). */
struct Jobs *system_bus_jobs(SystemBus *system_bus);
struct Turns *system_bus_turns(SystemBus *system_bus);
struct SignalMatches *system_bus_matches(SystemBus *system_bus);
