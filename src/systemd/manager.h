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

typedef struct Manager Manager;

/* Called when the connection became usable (@error NULL), could not be made, or was lost. */
typedef void (*ManagerChanged)(void *userdata, const Error *error);

/**
 * manager_new() - connect to systemd
 * @event:   loop; a reference is taken
 * @address: D-Bus address, NULL for the system bus
 *
 * Connects in the background, and again whenever the connection is lost. The connection is usable once
 * @changed was called without an error: systemd's version is known and signals are subscribed to
 * (org.freedesktop.systemd1(5): signals reach only clients that called Subscribe).
 *
 * Return: the manager, never NULL.
 */
Manager *manager_new(sd_event *event, const char *address, ManagerChanged changed, void *userdata);
Manager *manager_free(Manager *manager);
DEFINE_CLEANUP(Manager *, manager_free)

/* Return: the connection, owned by the manager; NULL while there is none. */
sd_bus *manager_bus(Manager *manager);
sd_event *manager_event(Manager *manager);

bool manager_is_ready(const Manager *manager);

/* Return: systemd's version such as 252; 0 before the manager is ready. */
unsigned manager_version(const Manager *manager);

/* The oldest that anybody could build and try this with (docs/architecture.md). */
#define SYSTEMD_VERSION_MIN 252

/* Of a manager that is ready. Return: 0, or -ENOTSUP with @ret_error set when its systemd is too old. */
int manager_check_version(const Manager *manager, Error **ret_error);

/* Return: whether systemd-machined can be reached, by itself or by bus activation. */
bool manager_has_machined(const Manager *manager);

/**
 * manager_new_call() - an empty call of a method of the manager
 *
 * Return: 0 or a negative errno; the message is the caller's.
 */
int manager_new_call(Manager *manager, const char *method, sd_bus_message **ret);

/**
 * manager_send() - call a method of the manager whose answer does not matter
 * @types: signature of the arguments that follow
 *
 * Return: 0 or a negative errno.
 */
int manager_send(Manager *manager, const char *method, const char *types, ...);

/* What uses the connection for many at once, owned by the manager (job.h, turn.h, watch.h). */
struct Jobs *manager_jobs(Manager *manager);
struct Turns *manager_turns(Manager *manager);
struct Watches *manager_watches(Manager *manager);
