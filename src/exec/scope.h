/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/macro.h"

/*
 * Asks the systemd inside a booted container to put a process into a scope of its own, so that it knows
 * where the process belongs. That systemd is not trusted: it may answer anything, or never.
 *
 * It is asked at its private endpoint, as systemctl does as root: no D-Bus daemon is needed inside, and it
 * is there before the first unit starts. The facts, from the sources of systemd 252 to 256 (src/core, unless
 * another file is named; the same in all of them unless said otherwise):
 *
 * - PID 1 makes the socket (dbus.c, bus_init_private(), from manager_setup_bus()), and again when it
 *   executes itself anew, which closes all connections.
 * - A connection is dropped without a word unless SO_PEERCRED tells a pid that PID 1 can see, and uid 0 as
 *   PID 1 counts (bus_on_connection(), bus_check_peercred(); basic/socket-util.c, getpeercred()). Both are
 *   those of connect(), so a process in the container's pid and user namespace with uid 0 has to call it. It
 *   need not live on, and the descriptor may be passed to another process.
 * - The peer is a D-Bus server, not a bus: no Hello, no matches to be added, no names, and what is sent has
 *   no sender. With such credentials everything is allowed, without polkit (libsystemd's bus-convenience.c,
 *   sd_bus_query_sender_privilege()).
 * - Signals reach every private connection that has authenticated, without Subscribe (bus_foreach_bus()):
 *   JobRemoved of every job, PropertiesChanged of every unit. They are not sure to name a sender
 *   (shared/bus-wait-for-jobs.c). The call is answered before the job is run (dbus-unit.c,
 *   bus_unit_queue_job()), so its JobRemoved comes later, unless somebody else is the peer.
 * - The property PIDs takes numbers as PID 1 counts, of processes that live; not PID 1 itself (unit.c,
 *   unit_pid_attachable()). PIDFDs is there since 255 only.
 * - PID 1 moves the process by writing to cgroup.procs. So the process must be in the container's part of
 *   the hierarchy before, where PID 1 may take it from (cgroups(7), "Delegation containment"), and it must
 *   still live; otherwise the job ends with "failed" (scope.c, scope_start()).
 * - By default a scope conflicts with shutdown.target (scope.c, scope_add_default_dependencies()): that ends
 *   it, and while a shutdown is under way the call is refused. By default it is in system.slice.
 * - When the kernel kills one process of it for want of memory, systemd ends all of a scope since 253 and
 *   252.5, unless OOMPolicy=continue is set, as logind does for sessions. Before, scopes have no such
 *   property, and one unknown property makes the whole call fail. So it is asked for at init.scope first.
 */
typedef struct Scope Scope;

/* @error is NULL when the process is in the scope. Called once, and not from within scope_new();
 * scope_free() may be called in it. */
typedef void (*ScopeDone)(void *userdata, const Error *error);

/**
 * scope_new() - ask for a scope
 * @fd:          a socket connected to /run/systemd/private inside, by a process inside that had uid 0;
 *               ownership is taken in any case
 * @name:        of the unit, with its suffix; one that was never used
 * @description: of the unit, UTF-8
 * @pid:         of the process, as the container counts; it must not end meanwhile
 * @limit_usec:  how long it may take
 *
 * The loop is not blocked and at most 4 MiB are read, whatever the peer does. Once @done is called, or the
 * handle is freed, the connection is closed; the scope stays for as long as it has processes.
 *
 * The error's code is ETIMEDOUT, ECONNRESET when the peer closed the connection, EREMOTEIO when it refused
 * or its job failed, EPROTO or EMSGSIZE when it does not behave like a systemd. After an error, and when the
 * handle was freed early, a slow systemd may still move the process later.
 *
 * Return: a handle to be freed by the caller, which ends the asking; NULL with @ret_error set.
 */
Scope *scope_new(sd_event *event, int fd, const char *name, const char *description, pid_t pid,
        uint64_t limit_usec, ScopeDone done, void *userdata, Error **ret_error);
Scope *scope_free(Scope *scope);
DEFINE_CLEANUP(Scope *, scope_free)
