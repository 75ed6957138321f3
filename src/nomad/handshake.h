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
        gid_t group;       /* who may connect beside us, (gid_t) -1: nobody */
        bool multiplex;    /* the agent asked whether we can share one connection */
} Handshake;

/* Where root's sockets are: no tmp cleaner comes here. */
#define HANDSHAKE_DIRECTORY RUNTIME_DIRECTORY "/plugin"

/**
 * handshake_new() - read what the agent put in the environment, and choose a socket
 *
 * Fails in words for a person where the program was started by hand, or where the agent wants what is not
 * supported.
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
 * The socket must accept already. Writes the line to stdout and puts /dev/null in stdout's place: the agent
 * reads no further there, and a pipe that fills up would block us.
 *
 * Return: 0 or a negative errno.
 */
int handshake_print(const Handshake *handshake);

/**
 * handshake_sweep() - remove sockets of plugins that were killed from the directory @sockets
 *
 * Only those nobody listens at. For a plugin that is there to stay: one that Nomad just has a look at must
 * leave everything alone.
 */
void handshake_sweep(const char *sockets);
