/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "driver.pb-c.h"
#include "box/exec-box.h"

/* What is said and expected in a stream of ExecTaskStreaming, by Nomad's side. */

static inline char *writable(const char *s) {
        return (char *) (uintptr_t) s;
}

/* Parts of a request; NULL and 0 leave them out. */
typedef struct Request {
        const char *id; /* with this there is a setup */
        bool terminal;
        bool no_command;
        const Driver__ExecTaskStreamingRequest__TerminalSize *size;
        const void *bytes;
        size_t n;
        bool close;
} Request;

static inline int try_send(ClientCall *call, const Request *wanted, unsigned limit_msec) {
        Driver__ExecTaskStreamingRequest__Setup setup = DRIVER__EXEC_TASK_STREAMING_REQUEST__SETUP__INIT;
        Driver__ExecTaskStreamingRequest request = DRIVER__EXEC_TASK_STREAMING_REQUEST__INIT;
        Driver__ExecIO io = DRIVER__EXEC_IO__INIT;
        char *command[] = { writable("/bin/sh"), writable("-i") };

        setup.task_id = writable(wanted->id ? wanted->id : "");
        setup.command = command;
        setup.n_command = wanted->no_command ? 0 : ELEMENTSOF(command);
        setup.tty = wanted->terminal;
        io.data = (ProtobufCBinaryData){ .data = (uint8_t *) (uintptr_t) wanted->bytes, .len = wanted->n };
        io.close = wanted->close;
        if (wanted->id)
                request.setup = &setup;
        if (wanted->bytes || wanted->close)
                request.stdin = &io;
        request.tty_size = (Driver__ExecTaskStreamingRequest__TerminalSize *) (uintptr_t) wanted->size;
        return client_send(call, &request.base, limit_msec);
}

#define send_request(call, ...) \
        cr_assert_eq(try_send(call, &(Request){ __VA_ARGS__ }, SERVICE_BOX_LIMIT_MSEC), 0)

static inline ClientCall *open_stream(void) {
        return client_open(fake.service.client, SERVICE_BOX_DRIVER "ExecTaskStreaming", NULL);
}

static inline ClientCall *start(bool terminal) {
        ClientCall *call = open_stream();

        send_request(call, .id = "one", .terminal = terminal);
        wait_for(HAPPENED_START);
        return call;
}

static inline void type(ClientCall *call, const char *text) {
        send_request(call, .bytes = text, .n = strlen(text));
}

static inline Driver__ExecTaskStreamingResponse *next(ClientCall *call) {
        Driver__ExecTaskStreamingResponse *response = NULL;

        cr_assert_eq(client_next(call, &driver__exec_task_streaming_response__descriptor,
                             SERVICE_BOX_LIMIT_MSEC, (ProtobufCMessage **) &response),
                1);
        cr_assert_eq((response->stdout != NULL) + (response->stderr != NULL) + response->exited, 1,
                "one kind in each message");
        cr_assert_eq(response->exited, response->result != NULL);
        return response;
}

static inline void done(Driver__ExecTaskStreamingResponse *response) {
        driver__exec_task_streaming_response__free_unpacked(response, NULL);
}

static inline const Driver__ExecIO *io_of(
        const Driver__ExecTaskStreamingResponse *response, ExecStream stream) {
        const Driver__ExecIO *io = stream == EXEC_OUTPUT ? response->stdout : response->stderr;

        cr_assert_not_null(io);
        return io;
}

static inline void expect_output(ClientCall *call, ExecStream stream, const char *text) {
        Driver__ExecTaskStreamingResponse *response = next(call);
        const Driver__ExecIO *io = io_of(response, stream);

        cr_expect_not(io->close);
        cr_expect_eq(io->data.len, strlen(text));
        cr_expect_arr_eq(io->data.data, text, io->data.len, "%s", text);
        done(response);
}

static inline void expect_close(ClientCall *call, ExecStream stream) {
        Driver__ExecTaskStreamingResponse *response = next(call);
        const Driver__ExecIO *io = io_of(response, stream);

        cr_expect(io->close);
        cr_expect_eq(io->data.len, 0);
        done(response);
}

static inline void expect_status(ClientCall *call, grpc_status_code code, const char *words) {
        ProtobufCMessage *message = NULL;
        _cleanup_free_ char *text = NULL;
        bool recoverable = true;

        cr_expect_eq(client_next(call, &driver__exec_task_streaming_response__descriptor,
                             SERVICE_BOX_LIMIT_MSEC, &message),
                0);
        cr_expect_eq(
                client_status(call, SERVICE_BOX_LIMIT_MSEC, &text, &recoverable), (int) code, "%s", text);
        cr_expect_str_eq(text, words);
        cr_expect_not(recoverable);
}

static inline void expect_code(ClientCall *call, int code, int signal) {
        Driver__ExecTaskStreamingResponse *response = next(call);

        cr_expect(response->exited);
        cr_assert_not_null(response->result);
        cr_expect_eq(response->result->exit_code, code);
        cr_expect_eq(response->result->signal, signal);
        done(response);
}

static inline void expect_exit(ClientCall *call, int code, int signal) {
        expect_code(call, code, signal);
        expect_status(call, GRPC_STATUS_OK, "");
        wait_for(HAPPENED_FREE);
}

/* The rest of a command without a terminal. */
static inline void expect_end(ClientCall *call, int code) {
        expect_close(call, EXEC_OUTPUT);
        expect_close(call, EXEC_ERROR);
        expect_exit(call, code, 0);
}

/* As before, when there was more output than is on its way to a peer that does not read. */
static inline void expect_end_of_much(ClientCall *call, int code) {
        expect_close(call, EXEC_OUTPUT);
        expect_close(call, EXEC_ERROR);
        expect_code(call, code, 0);
        cr_assert_eq(client_half_close(call, SERVICE_BOX_LIMIT_MSEC), 0);
        expect_status(call, GRPC_STATUS_OK, "");
        wait_for(HAPPENED_FREE);
}

static inline void expect_input(const char *text) {
        while (in_loop(do_nothing, NULL), fake.input.length < strlen(text))
                wait_for(HAPPENED_INPUT);
        cr_expect_str_eq(fake.input.text, text);
}
