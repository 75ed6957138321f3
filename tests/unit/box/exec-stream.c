/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>

#include "base/string.h"
#include "box/exec-stream.h"
#include "box/service-box.h"

static char *writable(const char *s) {
        return (char *) (uintptr_t) s;
}

int exec_stream_try_send(ClientCall *call, const ExecStreamRequest *wanted, unsigned limit_msec) {
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

ClientCall *exec_stream_open(ExecBox *box) {
        return client_open(box->service.client, SERVICE_BOX_DRIVER "ExecTaskStreaming", NULL);
}

ClientCall *exec_stream_start(ExecBox *box, bool terminal) {
        ClientCall *call = exec_stream_open(box);

        exec_stream_send(call, .id = "one", .terminal = terminal);
        exec_box_wait_for(box, EXEC_HAPPENED_START);
        return call;
}

void exec_stream_type(ClientCall *call, const char *text) {
        exec_stream_send(call, .bytes = text, .n = strlen(text));
}

Driver__ExecTaskStreamingResponse *exec_stream_next(ClientCall *call) {
        Driver__ExecTaskStreamingResponse *response = NULL;

        cr_assert_eq(client_next(call, &driver__exec_task_streaming_response__descriptor,
                             SERVICE_BOX_LIMIT_MSEC, (ProtobufCMessage **) &response),
                1);
        cr_assert_eq((response->stdout != NULL) + (response->stderr != NULL) + response->exited, 1,
                "one kind in each message");
        cr_assert_eq(response->exited, response->result != NULL);
        return response;
}

void exec_stream_free(Driver__ExecTaskStreamingResponse *response) {
        driver__exec_task_streaming_response__free_unpacked(response, NULL);
}

const Driver__ExecIO *exec_stream_io(const Driver__ExecTaskStreamingResponse *response, ExecStream stream) {
        const Driver__ExecIO *io = stream == EXEC_OUTPUT ? response->stdout : response->stderr;

        cr_assert_not_null(io);
        return io;
}

void exec_stream_expect_output(ClientCall *call, ExecStream stream, const char *text) {
        Driver__ExecTaskStreamingResponse *response = exec_stream_next(call);
        const Driver__ExecIO *io = exec_stream_io(response, stream);

        cr_expect_not(io->close);
        cr_expect_eq(io->data.len, strlen(text));
        cr_expect_arr_eq(io->data.data, text, io->data.len, "%s", text);
        exec_stream_free(response);
}

void exec_stream_expect_close(ClientCall *call, ExecStream stream) {
        Driver__ExecTaskStreamingResponse *response = exec_stream_next(call);
        const Driver__ExecIO *io = exec_stream_io(response, stream);

        cr_expect(io->close);
        cr_expect_eq(io->data.len, 0);
        exec_stream_free(response);
}

void exec_stream_expect_status(ClientCall *call, grpc_status_code code, const char *words) {
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

void exec_stream_expect_code(ClientCall *call, int code, int signal) {
        Driver__ExecTaskStreamingResponse *response = exec_stream_next(call);

        cr_expect(response->exited);
        cr_assert_not_null(response->result);
        cr_expect_eq(response->result->exit_code, code);
        cr_expect_eq(response->result->signal, signal);
        exec_stream_free(response);
}

void exec_stream_expect_exit(ExecBox *box, ClientCall *call, int code, int signal) {
        exec_stream_expect_code(call, code, signal);
        exec_stream_expect_status(call, GRPC_STATUS_OK, "");
        exec_box_wait_for(box, EXEC_HAPPENED_FREE);
}

void exec_stream_expect_end(ExecBox *box, ClientCall *call, int code) {
        exec_stream_expect_close(call, EXEC_OUTPUT);
        exec_stream_expect_close(call, EXEC_ERROR);
        exec_stream_expect_exit(box, call, code, 0);
}

void exec_stream_expect_end_of_much(ExecBox *box, ClientCall *call, int code) {
        exec_stream_expect_close(call, EXEC_OUTPUT);
        exec_stream_expect_close(call, EXEC_ERROR);
        exec_stream_expect_code(call, code, 0);
        cr_assert_eq(client_half_close(call, SERVICE_BOX_LIMIT_MSEC), 0);
        exec_stream_expect_status(call, GRPC_STATUS_OK, "");
        exec_box_wait_for(box, EXEC_HAPPENED_FREE);
}
