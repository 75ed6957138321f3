/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <grpc/status.h>
#include <protobuf-c/protobuf-c.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macro.h"

/*
 * The stand-in for an agent in the tests: it starts the plugin as go-plugin does, and calls it through the C
 * core of gRPC.
 *
 * Every wait has a limit in milliseconds, and returns -ETIMEDOUT when it is over. Any thread may wait, but
 * only one at a time for an object; for a call, one thread may send while another receives.
 */

/* A plugin that was started. */
typedef struct Plugin Plugin;

/**
 * plugin_start() - start a plugin and read its handshake line
 * @program:     path of the executable
 * @environment: list of NAME=value to set beside the variables of an agent, may be NULL
 * @stderr_path: file its log is appended to, NULL for /dev/null
 * @limit_msec:  longest wait for the handshake line
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

/* A connection to a plugin's socket, which the first call makes. To reattach to a plugin, make a new client
 * with the path of its socket. */
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
 * @ret_reply:      the answer when the status is OK, freed with protobuf_c_message_free_unpacked(), or NULL
 * @ret_error_text: the text of the status, owned by the caller; may be NULL
 *
 * Return: the status.
 */
grpc_status_code client_call(Client *client, const char *path, const ProtobufCMessage *request,
        const ProtobufCMessageDescriptor *output, ProtobufCMessage **ret_reply, char **ret_error_text);

/* A call of any kind. */
typedef struct ClientCall ClientCall;

/**
 * client_open() - start a call without waiting for anything
 * @request: the only message of the call; NULL for a bidi stream, whose messages client_send() sends
 *
 * The call has no deadline.
 */
ClientCall *client_open(Client *client, const char *path, const ProtobufCMessage *request);

/* Cancels the call if it is not over. Return: always NULL. */
ClientCall *client_call_free(ClientCall *call);
DEFINE_CLEANUP(ClientCall *, client_call_free)
#define _cleanup_client_call_ _cleanup_(client_call_freep)

/* Waits until gRPC has taken the message. Return: 0; -EPIPE when the call is over; or -ETIMEDOUT, and then
 * the message may still arrive. */
int client_send(ClientCall *call, const ProtobufCMessage *message, unsigned limit_msec);

/* Tells the server that no more messages will come. */
int client_half_close(ClientCall *call, unsigned limit_msec);

/**
 * client_next() - wait for the next message, or the answer of a unary call
 *
 * Return: 1 with a message, 0 after the last one, -EBADMSG for one that cannot be unpacked, or -ETIMEDOUT,
 * after which this may be called again.
 */
int client_next(ClientCall *call, const ProtobufCMessageDescriptor *output, unsigned limit_msec,
        ProtobufCMessage **ret_message);

/**
 * client_status() - wait for the end of a call
 * @ret_text:        as client_call()
 * @ret_recoverable: whether the server told Nomad that another try may help; may be NULL
 *
 * The status comes only after all messages were received with client_next().
 *
 * Return: the status code, or -ETIMEDOUT.
 */
int client_status(ClientCall *call, unsigned limit_msec, char **ret_text, bool *ret_recoverable);

void client_cancel(ClientCall *call);
