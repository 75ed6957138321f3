/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <criterion/criterion.h>

#include "box/exec-box.h"
#include "box/service-box.h"
#include "client.h"
#include "driver.pb-c.h"

/* What Nomad's side says and expects in a stream of ExecTaskStreaming. */

/* Parts of a request; NULL and 0 leave them out. */
typedef struct ExecStreamRequest {
        const char *id; /* with this there is a setup */
        bool terminal;
        bool no_command;
        const Driver__ExecTaskStreamingRequest__TerminalSize *size;
        const void *bytes;
        size_t n;
        bool close;
} ExecStreamRequest;

/* Return: a stream in which nothing was said yet; owned by the caller. */
ClientCall *exec_stream_open(ExecBox *box);

/* Return: a stream in which a command runs; owned by the caller. */
ClientCall *exec_stream_start(ExecBox *box, bool terminal);

/* Sends a request. Return: as client_send(). */
int exec_stream_try_send(ClientCall *call, const ExecStreamRequest *wanted, unsigned limit_msec);

/* Sends a request of these parts. The test fails when it is not taken. */
#define exec_stream_send(call, ...) \
        cr_assert_eq( \
                exec_stream_try_send(call, &(ExecStreamRequest){ __VA_ARGS__ }, SERVICE_BOX_LIMIT_MSEC), 0)

/* Types a text. */
void exec_stream_type(ClientCall *call, const char *text);

/* Return: the next message, freed with exec_stream_free(). */
Driver__ExecTaskStreamingResponse *exec_stream_next(ClientCall *call);
void exec_stream_free(Driver__ExecTaskStreamingResponse *response);

/* Return: what the message has of this stream; owned by the message. The test fails when it has nothing. */
const Driver__ExecIO *exec_stream_io(const Driver__ExecTaskStreamingResponse *response, ExecStream stream);

/* The test fails unless the next message is this output. */
void exec_stream_expect_output(ClientCall *call, ExecStream stream, const char *text);

/* The test fails unless the next message ends this stream. */
void exec_stream_expect_close(ClientCall *call, ExecStream stream);

/* The test fails unless the next message says how the command ended. */
void exec_stream_expect_code(ClientCall *call, int code, int signal);

/* The test fails unless the call ends with this status and no further message. */
void exec_stream_expect_status(ClientCall *call, grpc_status_code code, const char *words);

/* The test fails unless the last message says how the command ended. Waits until the command is freed. */
void exec_stream_expect_exit(ExecBox *box, ClientCall *call, int code, int signal);

/* The test fails unless all that comes is the end of a command without a terminal. */
void exec_stream_expect_end(ExecBox *box, ClientCall *call, int code);

/* As before, when there was more output than is on its way to a peer that does not read. */
void exec_stream_expect_end_of_much(ExecBox *box, ClientCall *call, int code);
