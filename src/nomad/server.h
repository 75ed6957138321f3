/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/macro.h"
#include "nomad/rpc.h"

/*
 * The gRPC server. The loop handles sockets and calls. A thread reads the core's completion queue, and only
 * passes on to the loop what it reads.
 *
 * Before server_new() the process should ignore SIGPIPE, and block the signals that it handles, since the
 * core's threads inherit the mask.
 */
typedef struct Server Server;

/* Most bytes of a request, and most memory that an unpacked one may take. */
#define SERVER_MESSAGE_MAX (64 * 1024 * 1024)
#define SERVER_UNPACKED_MAX (192 * 1024 * 1024)

typedef void (*ServerStopped)(Server *server, void *userdata);

/* @severity: 0 debug, 1 info, 2 error. Called in any thread. */
typedef void (*ServerLog)(int severity, const char *message);

/* Sets what gets the gRPC core's log messages of the whole process. Must be called before server_new();
 * without this call they are dropped. */
void server_set_log(ServerLog log);

/**
 * server_new() - make a server for these services
 * @services: rows for everything the server knows; must live as long as the server
 *
 * Checks the rows against the descriptors. Unsets the environment variables that the gRPC core would obey.
 *
 * Return: 0, or a negative errno with an error set.
 */
int server_new(sd_event *event, const RpcService *services, size_t n_services, Server **ret_server,
        Error **ret_error);

/**
 * server_listen() - accept connections at a unix socket
 * @path:  absolute; nothing may exist there yet. The server removes its socket when it stops
 * @group: that may connect, too (mode 0660); (gid_t) -1 for none (mode 0600)
 *
 * Return: 0, or a negative errno with an error set.
 */
int server_listen(Server *server, const char *path, gid_t group, Error **ret_error);

/**
 * server_stop() - let calls finish and stop
 * @grace_usec: how long until calls that are still open are cancelled
 * @stopped:    called from the loop once no call is left, may be NULL; it must not free the server
 *
 * The server accepts no new calls or connections from now on.
 */
void server_stop(Server *server, uint64_t grace_usec, ServerStopped stopped, void *userdata);

/**
 * server_free() - stop a server at once and free it
 *
 * If the server is not stopped yet, cancels all open calls, with their on_close(), and waits for their ends,
 * which takes some milliseconds. Must not be called by a handler or callback.
 *
 * Return: always NULL.
 */
Server *server_free(Server *server);
DEFINE_CLEANUP(Server *, server_free)
#define _cleanup_server_ _cleanup_(server_freep)
