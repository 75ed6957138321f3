/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <grpc/status.h>
#include <protobuf-c/protobuf-c.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macro.h"

/*
 * What the tests have in an agent's place: it starts the plugin as go-plugin does, and calls it through the
 * C core.
 *
 * Every wait has a limit in milliseconds, and gives -ETIMEDOUT where it is over. Any thread may do the
 * waiting, but only one at a time per object; of a call one may send while another reads.
 */

/* A plugin that was started. */
typedef struct Plugin Plugin;

/**
 * plugin_start() - start a plugin and read what it says
 * @program:     path of the executable
 * @environment: list of NAME=value to set beside the usual, may be NULL
 * @stderr_path: file its log is appended to, NULL for /dev/null
 * @limit_msec:  until the handshake line has to be there
 *
 * Return: 0, or a negative errno with an error; the process is gone then.
 */
int plugin_start(const char *program, char *const *environment, const char *stderr_path, unsigned limit_msec,
        Plugin **ret_plugin, Error **ret_error);

/* Kills the process if it still runs. Return: always NULL. */
Plugin *plugin_free(Plugin *plugin);
DEFINE_CLEANUP(Plugin *, plugin_free)
#define _cleanup_plugin_ _cleanup_(plugin_freep)

pid_t plugin_pid(const Plugin *plugin);

/* Return: the path of its socket, owned by @plugin. */
const char *plugin_socket(const Plugin *plugin);

/* Return: the whole handshake line, without the newline, owned by @plugin. */
const char *plugin_line(const Plugin *plugin);

/* Sends a signal, SIGKILL for one. */
void plugin_signal(Plugin *plugin, int signal);

/**
 * plugin_wait() - wait until the process is gone
 * @ret_status: as of waitpid(), may be NULL
 *
 * Return: 0 or a negative errno.
 */
int plugin_wait(Plugin *plugin, unsigned limit_msec, int *ret_status);

/* A connection to a socket. It is made by the first call; connecting to a path known from before is all of a
 * reattach. */
typedef struct Client Client;

Client *client_new(const char *socket_path);

/* All calls of it must be freed before. Return: always NULL. */
Client *client_free(Client *client);
DEFINE_CLEANUP(Client *, client_free)
#define _cleanup_client_ _cleanup_(client_freep)

/* How long client_call() waits, and what it tells the server as its deadline. */
#define CLIENT_CALL_MSEC 30000

/**
 * client_call() - call a unary method and wait for the answer
 * @path:           "/package.Service/Method"
 * @output:         what to unpack the answer to, NULL to drop it
 * @ret_reply:      the answer where the status is OK, freed with protobuf_c_message_free_unpacked(); may be
 * NULL
 * @ret_error_text: the text of the status, owned by the caller; may be NULL
 *
 * Return: the status.
 */
grpc_status_code client_call(Client *client, const char *path, const ProtobufCMessage *request,
        const ProtobufCMessageDescriptor *output, ProtobufCMessage **ret_reply, char **ret_error_text);

/* A call under way, of any kind. */
typedef struct ClientCall ClientCall;

/**
 * client_open() - start a call, and do not wait for anything
 * @request: sent, and nothing after it; NULL leaves the sending to client_send(), as for a bidi stream
 *
 * There is no deadline.
 */
ClientCall *client_open(Client *client, const char *path, const ProtobufCMessage *request);

/* Cancels the call if it is not over. Return: always NULL. */
ClientCall *client_call_free(ClientCall *call);
DEFINE_CLEANUP(ClientCall *, client_call_free)
#define _cleanup_client_call_ _cleanup_(client_call_freep)

/* Waits until the message was taken. Return: 0, -EPIPE where the call is over, or -ETIMEDOUT: then it may
 * still be on its way. */
int client_send(ClientCall *call, const ProtobufCMessage *message, unsigned limit_msec);

/* Says that no more messages will come. */
int client_half_close(ClientCall *call, unsigned limit_msec);

/**
 * client_next() - wait for the next message, or the answer of a unary call
 *
 * Return: 1 with a message, 0 at the end of them, -EBADMSG for one that cannot be unpacked, or -ETIMEDOUT;
 * one may ask again after that.
 */
int client_next(ClientCall *call, const ProtobufCMessageDescriptor *output, unsigned limit_msec,
        ProtobufCMessage **ret_message);

/**
 * client_status() - wait for the end of a call
 * @ret_text:        as client_call()
 * @ret_recoverable: whether the server said to Nomad that trying again may help; may be NULL
 *
 * Messages that nobody asked for hold it back.
 *
 * Return: the status code, or -ETIMEDOUT.
 */
int client_status(ClientCall *call, unsigned limit_msec, char **ret_text, bool *ret_recoverable);

void client_cancel(ClientCall *call);
