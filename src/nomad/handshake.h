/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/program.h"

/*
 * How a plugin and the Nomad agent find each other: the environment the agent sets, and the one line on
 * stdout that says where the plugin listens.
 */
typedef struct Handshake {
        char *socket_path; /* absolute; does not exist yet, its directory does */
        gid_t group;       /* that may connect, too; (gid_t) -1: none */
        bool multiplex;    /* the agent asked whether we can share one connection */
} Handshake;

/* Where plugins that root runs have their sockets; no cleaner of temporary files looks there. */
#define HANDSHAKE_DIRECTORY RUNTIME_DIRECTORY "/plugin"

/**
 * handshake_new() - read what the agent put in the environment, and choose a socket
 *
 * Fails when a person started the program by hand, and when the agent wants something that is not supported.
 * The error is a text for people.
 *
 * Return: 0, or a negative errno with an error set.
 */
int handshake_new(Handshake **ret_handshake, Error **ret_error);

Handshake *handshake_free(Handshake *handshake);
DEFINE_CLEANUP(Handshake *, handshake_free)
#define _cleanup_handshake_ _cleanup_(handshake_freep)

/**
 * handshake_print() - tell the agent where we listen
 *
 * The socket must accept connections already. Writes the line to stdout, and then makes stdout /dev/null:
 * the agent reads nothing more from the pipe, and a full pipe would block this process.
 *
 * Return: 0 or a negative errno.
 */
int handshake_print(const Handshake *handshake);

/**
 * handshake_sweep() - remove sockets of plugins that were killed from the directory @sockets
 *
 * Removes only sockets at which nobody listens. Only a plugin that an agent uses may call this: a plugin
 * that Nomad starts just to look at it must change nothing on the host.
 */
void handshake_sweep(const char *sockets);
