/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/macro.h"
#include "nomad/rpc.h"

/*
 * The gRPC server: sockets and calls in the loop, the core's completion queue in a thread that only passes
 * on.
 *
 * The process should have blocked the signals it handles before server_new(), since the core's threads take
 * over the mask, and SIGPIPE should be ignored.
 */
typedef struct Server Server;

/* The biggest request, and what one may take unpacked. */
#define SERVER_MESSAGE_MAX (64 * 1024 * 1024)
#define SERVER_UNPACKED_MAX (192 * 1024 * 1024)

typedef void (*ServerStopped)(Server *server, void *userdata);

/* @severity: 0 debug, 1 info, 2 error. Called in any thread. */
typedef void (*ServerLog)(int severity, const char *message);

/* Where words of the gRPC core go: nowhere unless told. For the whole process, before server_new(). */
void server_set_log(ServerLog log);

/**
 * server_new() - make a server for these services
 * @services: rows for everything the server knows; they are used as long as the server lives
 *
 * Checks the rows against the descriptors. Unsets the environment variables that the gRPC core would listen
 * to.
 *
 * Return: 0, or a negative errno with an error set.
 */
int server_new(sd_event *event, const RpcService *services, size_t n_services, Server **ret_server,
        Error **ret_error);

/**
 * server_listen() - accept connections at a unix socket
 * @path:  absolute; nothing may be there yet. Removed at the end, if it is still ours
 * @group: who else may connect (mode 0660), or (gid_t) -1 for nobody (mode 0600)
 *
 * Return: 0, or a negative errno with an error set.
 */
int server_listen(Server *server, const char *path, gid_t group, Error **ret_error);

/**
 * server_stop() - let calls finish and stop
 * @grace_usec: after which calls still open are cancelled
 * @stopped:    called from the loop once no call is left, may be NULL; it must not free the server
 *
 * Takes no new calls or connections from now on.
 */
void server_stop(Server *server, uint64_t grace_usec, ServerStopped stopped, void *userdata);

/**
 * server_free() - end it all
 *
 * Where the server was not stopped yet, cancels what is open and waits for that, which takes some
 * milliseconds; on_close is called for those calls. Not to be called by a handler or callback.
 *
 * Return: always NULL.
 */
Server *server_free(Server *server);
DEFINE_CLEANUP(Server *, server_free)
#define _cleanup_server_ _cleanup_(server_freep)
