/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/macro.h"

/*
 * Asks the systemd inside a booted container to put a process into a scope of its own, so that this systemd
 * knows where the process belongs. It is not trusted: it may answer anything, or never.
 *
 * We ask at its private socket, as systemctl does as root: that needs no D-Bus daemon inside, and the socket
 * exists before the first unit starts. The facts, from the sources of systemd 252 to 256 (src/core, unless
 * another file is named; the same in all of them unless said otherwise):
 *
 * - PID 1 makes the socket (dbus.c, bus_init_private(), from manager_setup_bus()). It makes it again when it
 *   re-executes itself, which closes all connections.
 * - PID 1 silently drops a connection unless SO_PEERCRED has a pid that PID 1 can see, and uid 0 in PID 1's
 *   user namespace (bus_on_connection(), bus_check_peercred(); basic/socket-util.c, getpeercred()). Both are
 *   those of the process that called connect(), so this must be a process in the container's pid and user
 *   namespace with uid 0. It may end afterwards, and may pass the descriptor to another process.
 * - The peer is a D-Bus server, not a bus: no Hello, no AddMatch, no names, and its messages have no sender.
 *   With such credentials everything is allowed, without polkit (libsystemd's bus-convenience.c,
 *   sd_bus_query_sender_privilege()).
 * - PID 1 sends signals to every private connection that has authenticated, without Subscribe
 *   (bus_foreach_bus()): JobRemoved of every job, PropertiesChanged of every unit. Do not rely on a sender
 *   in them (shared/bus-wait-for-jobs.c). PID 1 answers the call before it runs the job (dbus-unit.c,
 *   bus_unit_queue_job()), so JobRemoved comes after the answer, unless the peer is not a real systemd.
 * - The property PIDs takes pids of PID 1's pid namespace, of processes that live; not PID 1 itself (unit.c,
 *   unit_pid_attachable()). PIDFDs exists only since 255.
 * - PID 1 moves the process by writing to cgroup.procs. So the process must already be in the container's
 *   part of the hierarchy, from where PID 1 may move it (cgroups(7), "Delegation containment"), and it must
 *   still live; otherwise the job ends with "failed" (scope.c, scope_start()).
 * - By default a scope conflicts with shutdown.target (scope.c, scope_add_default_dependencies()): a
 *   shutdown ends the scope, and PID 1 refuses the call during a shutdown. By default a scope is in
 *   system.slice.
 * - When the kernel kills one process of a scope for want of memory, systemd since 253 and 252.5 ends the
 *   whole scope, unless OOMPolicy=continue is set, as logind does for sessions. Before, scopes have no such
 *   property, and one unknown property makes the whole call fail. So we first ask init.scope for it.
 */
typedef struct Scope Scope;

/* @error is NULL when the process is in the scope. Called once, and not from within scope_new(); may call
 * scope_free(). */
typedef void (*ScopeDone)(void *userdata, const Error *error);

/**
 * scope_new() - ask for a scope
 * @fd:          a socket that a process with uid 0 inside the container connected to /run/systemd/private;
 *               scope_new() owns it from now on, even when it fails
 * @name:        of the scope, with its suffix; one that was never used
 * @description: of the scope, UTF-8
 * @pid:         of the process, in the container's pid namespace; the process must not end meanwhile
 * @limit_usec:  how long it may take
 *
 * Whatever the peer does, this neither blocks the loop nor reads more than 1 MiB. The connection is closed
 * when @done is called or the handle is freed; the scope stays for as long as it has processes.
 *
 * The error's code is ETIMEDOUT, ECONNRESET when the peer closed the connection, EREMOTEIO when it refused
 * or its job failed, EPROTO or EMSGSIZE when it does not behave like a systemd. After an error, and after an
 * early scope_free(), a slow systemd may still move the process later.
 *
 * Return: a handle for scope_free(), which also cancels the request; NULL with @ret_error set.
 */
Scope *scope_new(sd_event *event, int fd, const char *name, const char *description, pid_t pid,
        uint64_t limit_usec, ScopeDone done, void *userdata, Error **ret_error);
Scope *scope_free(Scope *scope);
DEFINE_CLEANUP(Scope *, scope_free)
